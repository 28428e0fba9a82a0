// What the scheduler sees, and what it answers when somebody asks.
#include <algorithm>
#include <utility>

#include "server/job/threaded_job_manager.h"

namespace distill::server {

bool ThreadedJobManager::IsDelayed(const JobRecord& job) const {
  const auto found = restart_delays_.find(job.id);
  return found != restart_delays_.end() && clock_.MonotonicMillis() < found->second.until_ms;
}

std::vector<DeviceHolder> ThreadedJobManager::Holders() {
  std::vector<DeviceHolder> holders;
  for (const auto& [id, job] : active_.jobs()) {
    if (!HasWorker(job.state)) continue;
    const auto run = runs_.find(id);
    holders.push_back({job, run != runs_.end() ? run->second.pid : 0});
  }
  return holders;
}

Status ThreadedJobManager::LoadUsage() {
  constexpr int kHalfLivesThatCount = 20;  // what is older counts for a millionth
  const int64_t now = clock_.UnixMillis();
  const int64_t since = now - kHalfLivesThatCount * options_.fair_share_half_life.count();
  DISTILL_ASSIGN_OR_RETURN(const std::vector<DeviceUsage> usages, store_.ListUsage(since));
  for (const DeviceUsage& usage : usages) usage_.Add(usage, now);
  return {};
}

void ThreadedJobManager::FillHeld(const JobRecord& job, JobSnapshot& entry) {
  entry.held_devices = job.devices;
  entry.started_at_unix_ms = clock_.UnixMillis();
  entry.can_be_preempted =
      job.spec.kind == JobKind::kTrain && job.num_preemptions < job.spec.max_preemptions;
  const auto run = runs_.find(job.id);
  if (run == runs_.end()) return;
  entry.started_at_unix_ms = moments_.Past(run->second.started_at_unix_ms);
  entry.is_leaving = run->second.order.has_value() || run->second.exit || run->second.verdict;
  if (entry.time_limit_ms > 0) {
    entry.expected_end_unix_ms = entry.started_at_unix_ms + entry.time_limit_ms;
  }
}

Status ThreadedJobManager::FillNeeds(const JobRecord& job, JobSnapshot& entry,
                                     SchedulerSnapshot& snapshot) {
  entry.depends_on = job.spec.depends_on;
  entry.after = job.spec.after;
  std::vector<JobId> needs = job.spec.depends_on;
  for (const AfterJob& after : job.spec.after) needs.push_back(after.job);
  for (const JobId needed : needs) {
    const auto state = active_.StateOf(needed);
    if (state.ok()) snapshot.dependency_states[needed] = *state;
    if (!state.ok() && state.status().code() != Code::kNotFound) return state.status();
    entry.waiting_since_unix_ms =
        std::max(entry.waiting_since_unix_ms, moments_.Past(active_.EndOf(needed)));
  }
  return {};
}

void ThreadedJobManager::FillUsers(SchedulerSnapshot& snapshot) {
  for (const JobSnapshot& job : snapshot.jobs) {
    const auto [user, is_new] = snapshot.users.try_emplace(job.owner);
    if (is_new) {
      const int64_t newest = usage_.NewestOf(job.owner);
      const int64_t ahead = newest - moments_.Past(newest);
      user->second.used_seconds = usage_.SecondsOf(job.owner, snapshot.now_unix_ms + ahead);
      user->second.last_uses = usage_.LastUses(job.owner);
      for (auto& [device, last] : user->second.last_uses) last = moments_.Past(last);
    }
    for (const std::string& device : job.held_devices) {
      user->second.used_seconds += DecayedSeconds(job.started_at_unix_ms, snapshot.now_unix_ms,
                                                  snapshot.now_unix_ms, usage_.half_life());
      user->second.last_uses[device] = snapshot.now_unix_ms;
    }
  }
}

// When running jobs end by their own progress, where a job with several devices asks for it.
Status ThreadedJobManager::FillEnds(SchedulerSnapshot& snapshot) {
  const bool is_asked_for = std::any_of(
      snapshot.jobs.begin(), snapshot.jobs.end(),
      [](const JobSnapshot& job) { return job.state == JobState::kQueued && job.num_devices > 1; });
  if (!is_asked_for) return {};
  for (JobSnapshot& job : snapshot.jobs) {
    if (job.held_devices.empty()) continue;
    // The store knows the newest progress.
    DISTILL_ASSIGN_OR_RETURN(const JobRecord record, store_.FindJob(job.id));
    const int64_t eta = record.progress.eta_unix_ms;
    const int64_t limit = job.expected_end_unix_ms;
    if (eta > 0) job.expected_end_unix_ms = limit > 0 ? std::min(eta, limit) : eta;
  }
  return {};
}

Result<SchedulerSnapshot> ThreadedJobManager::Snapshot(const std::vector<DeviceInfo>& devices) {
  constexpr int64_t kMillisPerSecond = 1000;
  for (auto id = has_room_made_.begin(); id != has_room_made_.end();) {
    id = IsQueued(*id) ? std::next(id) : has_room_made_.erase(id);
  }
  SchedulerSnapshot snapshot;
  snapshot.policy = options_.policy;
  snapshot.now_unix_ms = clock_.UnixMillis();
  for (DeviceUse& use : AssessUse(devices, Holders())) {
    snapshot.devices.push_back(std::move(use.device));
  }
  for (const auto& [id, job] : active_.jobs()) {
    JobSnapshot& entry = snapshot.jobs.emplace_back();
    entry.id = id;
    entry.state = job.state;
    entry.priority = job.spec.priority;
    entry.requested_device = job.spec.device;
    entry.owner = job.spec.owner;
    entry.gpu_memory_bytes = job.spec.gpu_memory_bytes;
    entry.num_devices = job.spec.num_devices;
    entry.time_limit_ms = job.spec.time_limit_seconds * kMillisPerSecond;
    entry.group = job.spec.group;
    entry.max_parallel = job.spec.max_parallel;
    entry.waiting_since_unix_ms = moments_.Past(job.queued_at_unix_ms);
    if (HasWorker(job.state)) FillHeld(job, entry);
    if (job.state != JobState::kQueued) continue;
    entry.is_delayed = IsDelayed(job);
    entry.has_room_made = has_room_made_.count(id) != 0;
    DISTILL_RETURN_IF_ERROR(FillNeeds(job, entry, snapshot));
  }
  FillUsers(snapshot);
  DISTILL_RETURN_IF_ERROR(FillEnds(snapshot));
  return snapshot;
}

QueueView::Moment ThreadedJobManager::Now() const {
  return {active_.num_changes() + num_orders_, clock_.MonotonicMillis()};
}

// The newest view, where it still holds; else a new one. Takes the lock for a look only: with a
// long queue, submits would wait for the rest.
Result<std::shared_ptr<QueueView>> ThreadedJobManager::View() {
  SchedulerSnapshot snapshot;
  QueueView::Moment moment;
  {
    const MutexLock lock(mutex_);
    moment = Now();
    if (view_ != nullptr && view_->HoldsAt(moment)) return view_;
    DISTILL_ASSIGN_OR_RETURN(snapshot, Snapshot(devices_seen_));
  }
  const auto made = std::make_shared<QueueView>(std::move(snapshot), moment);
  std::shared_ptr<QueueView> old = made;  // goes without the lock, it is large
  const MutexLock lock(mutex_);
  old.swap(view_);
  return made;
}

// When running jobs end, by their progress: the store knows the newest.
QueueView::Times ThreadedJobManager::ReadEnds(const QueueView& view) {
  QueueView::Times ends;
  for (const JobSnapshot& job : view.snapshot().jobs) {
    if (job.held_devices.empty()) continue;
    const auto record = store_.FindJob(job.id);
    if (record.ok() && record->progress.eta_unix_ms > 0) {
      ends[job.id] = record->progress.eta_unix_ms;
    }
  }
  return ends;
}

std::shared_ptr<const QueueView::Times> ThreadedJobManager::StartsIn(QueueView& view) {
  return view.ForecastAt(num_progress_changes_, [&] { return ReadEnds(view); });
}

QueueEntry ThreadedJobManager::EntryOf(const QueueView::Times& starts,
                                       const WaitingReason& waiting) const {
  QueueEntry entry;
  if (const JobRecord* job = active_.Find(waiting.job)) entry.job = *job;
  entry.waiting = waiting;
  const auto start = starts.find(waiting.job);
  if (start != starts.end()) entry.expected_start_unix_ms = start->second;
  return entry;
}

Result<QueueReport> ThreadedJobManager::ListQueue(int max_entries) {
  DISTILL_ASSIGN_OR_RETURN(const std::shared_ptr<QueueView> view, View());
  const auto starts = StartsIn(*view);
  const std::vector<WaitingReason>& all = view->decision().waiting;
  QueueReport report;
  report.length = static_cast<int>(all.size());
  const MutexLock lock(mutex_);
  for (const WaitingReason& waiting : all) {
    if (static_cast<int>(report.entries.size()) == max_entries) break;
    if (!IsQueued(waiting.job)) continue;  // any more
    report.entries.push_back(EntryOf(*starts, waiting));
  }
  return report;
}

Result<JobExplanation> ThreadedJobManager::Explain(JobId id) {
  JobExplanation explanation;
  DISTILL_ASSIGN_OR_RETURN(explanation.entry.job, store_.FindJob(id));
  if (explanation.entry.job.state != JobState::kQueued) return explanation;
  DISTILL_ASSIGN_OR_RETURN(const std::shared_ptr<QueueView> view, View());
  explanation.queue_length = static_cast<int>(view->decision().waiting.size());
  const WaitingReason* const waiting = view->Find(id);
  if (waiting == nullptr) return explanation;
  const auto starts = StartsIn(*view);
  {
    const MutexLock lock(mutex_);
    if (!IsQueued(id)) return explanation;  // any more
    explanation.is_waiting = true;
    explanation.entry = EntryOf(*starts, *waiting);
  }
  for (const JobId holder : waiting->holders) {
    auto record = store_.FindJob(holder);
    if (record.ok()) explanation.holders.push_back(std::move(record).value());
  }
  return explanation;
}

}  // namespace distill::server
