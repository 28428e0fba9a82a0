#include "core/data/image_survey.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "core/base/mutex.h"
#include "core/base/sha256.h"
#include "core/data/cifar_file.h"
#include "core/data/image_decode.h"

namespace distill::core {
namespace {

constexpr int64_t kFilesPerReport = 100;

void AddSums(const RgbImage& image, SurveyedImage& survey) {
  survey.num_pixels = image.pixels.size() / 3;
  for (size_t i = 0; i < image.pixels.size(); i += 3) {
    for (size_t c = 0; c < 3; ++c) {
      const uint64_t value = image.pixels[i + c];
      survey.sum[c] += value;
      survey.sum_of_squares[c] += value * value;
    }
  }
}

SurveyedImage SurveyCifar(const CifarPicture& picture, const Roots& roots) {
  SurveyedImage survey;
  const Result<std::string> pixels = ReadCifarPixels(picture, roots);
  if (!pixels.ok()) {
    survey.failure = pixels.status().message();
    return survey;
  }
  survey.sha256 = Sha256Hex(*pixels);
  AddSums(CifarImage(*pixels), survey);
  return survey;
}

SurveyedImage Survey(const std::filesystem::path& path, const Roots& roots) {
  if (const auto picture = ParseCifarPicturePath(path)) return SurveyCifar(*picture, roots);
  SurveyedImage survey;
  const Result<std::string> bytes = ReadFileInside(path, roots, kMaxImageFileBytes);
  if (!bytes.ok()) {
    survey.failure = bytes.status().message();
    return survey;
  }
  const Result<RgbImage> image = DecodeImage(*bytes);
  if (!image.ok()) {
    survey.failure = image.status().message();
    return survey;
  }
  survey.sha256 = Sha256Hex(*bytes);
  AddSums(*image, survey);
  return survey;
}

// Hands out the files to its threads and counts them.
class SurveyRun {
 public:
  SurveyRun(const std::vector<std::filesystem::path>& paths, const SurveyOptions& options)
      : paths_(paths), options_(options), surveys_(paths.size()) {}

  Result<std::vector<SurveyedImage>> Run(const std::function<bool(int64_t, int64_t)>& on_progress);

 private:
  void RunWorker() EXCLUDES(mutex_);
  bool WatchProgress(const std::function<bool(int64_t, int64_t)>& on_progress) EXCLUDES(mutex_);

  const std::vector<std::filesystem::path>& paths_;
  const SurveyOptions& options_;
  std::vector<SurveyedImage> surveys_;  // each written by one thread
  std::atomic<size_t> next_{0};
  std::atomic<bool> is_cancelled_{false};

  Mutex mutex_;
  ConditionVariable progressed_;
  int64_t num_done_ GUARDED_BY(mutex_) = 0;
};

void SurveyRun::RunWorker() {
  while (!is_cancelled_) {
    const size_t i = next_.fetch_add(1);
    if (i >= paths_.size()) return;
    surveys_[i] = Survey(paths_[i], options_.roots);
    const MutexLock lock(mutex_);
    ++num_done_;
    const bool is_last = num_done_ == static_cast<int64_t>(paths_.size());
    if (is_last || num_done_ % kFilesPerReport == 0) progressed_.NotifyAll();
  }
}

// Returns false when the caller wants to stop. Asks it twice a second at the least, so that a few
// large files cannot keep it waiting.
bool SurveyRun::WatchProgress(const std::function<bool(int64_t, int64_t)>& on_progress) {
  const auto total = static_cast<int64_t>(paths_.size());
  int64_t done = 0;
  while (done < total) {
    {
      const MutexLock lock(mutex_);
      if (num_done_ < total) progressed_.WaitFor(mutex_, std::chrono::milliseconds(500));
      done = num_done_;
    }
    if (on_progress && !on_progress(done, total)) return false;
  }
  return true;
}

Result<std::vector<SurveyedImage>> SurveyRun::Run(
    const std::function<bool(int64_t, int64_t)>& on_progress) {
  std::vector<std::thread> threads;
  for (int i = 0; i < std::max(options_.num_threads, 1); ++i) {
    threads.emplace_back([this] { RunWorker(); });
  }
  is_cancelled_ = !WatchProgress(on_progress);
  for (std::thread& thread : threads) thread.join();
  if (is_cancelled_) return Status(Code::kCancelled, "scan was cancelled");
  return std::move(surveys_);
}

}  // namespace

Result<std::vector<SurveyedImage>> SurveyImages(
    const std::vector<std::filesystem::path>& paths, const SurveyOptions& options,
    const std::function<bool(int64_t, int64_t)>& on_progress) {
  return SurveyRun(paths, options).Run(on_progress);
}

}  // namespace distill::core
