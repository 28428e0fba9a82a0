#include "client/command/job_board.h"

#include "client/output/job_text.h"
#include "client/output/message_json.h"
#include "client/output/printable_text.h"

namespace distill::client {

JobBoard::JobBoard(const Environment& environment, std::ostream& out, Style style, size_t num_jobs)
    : environment_(environment), out_(out), style_(style), jobs_(num_jobs) {}

void JobBoard::Update(size_t index, const v1::Job& job) {
  const std::lock_guard lock(mutex_);
  const bool is_news = IsNews(jobs_[index], job);
  jobs_[index] = job;
  if (style_ == Style::kLive) {
    EraseLiveLines();
    DrawLiveLines();
  } else if (style_ == Style::kLines && is_news) {
    out_ << ProgressLine(job, environment_.now_unix_ms(), std::string::npos) << std::endl;
  } else if (style_ == Style::kJson) {
    out_ << ToJsonLine(job) << std::flush;
  }
}

void JobBoard::Note(std::ostream& stream, const std::string& message) {
  const std::lock_guard lock(mutex_);
  EraseLiveLines();
  stream << message << std::endl;
  DrawLiveLines();
}

std::vector<v1::Job> JobBoard::jobs() const {
  const std::lock_guard lock(mutex_);
  return jobs_;
}

void JobBoard::EraseLiveLines() {
  for (; num_drawn_ > 0; --num_drawn_) out_ << TerminalOrder{"\x1b[1A\r\x1b[2K"};
}

void JobBoard::DrawLiveLines() {
  if (style_ != Style::kLive) return;
  for (const v1::Job& job : jobs_) {
    if (job.id().empty()) continue;
    // A line that fills the width would wrap, and could not be redrawn.
    out_ << ProgressLine(job, environment_.now_unix_ms(), environment_.terminal_width - 1) << '\n';
    ++num_drawn_;
  }
  out_.flush();
}

bool JobBoard::IsNews(const v1::Job& before, const v1::Job& after) const {
  return before.id().empty() || before.state() != after.state() ||
         before.progress().epoch() != after.progress().epoch() ||
         before.progress().phase() != after.progress().phase() ||
         before.message() != after.message();
}

}  // namespace distill::client
