#include "core/data/batch_source.h"

#include <ATen/ops/empty.h>
#include <pthread.h>

#include <algorithm>
#include <deque>
#include <numeric>
#include <string>
#include <thread>
#include <utility>

#include "core/base/mutex.h"
#include "core/base/random.h"
#include "core/data/augment.h"
#include "core/data/sample_loader.h"

namespace distill::core {
namespace {

constexpr uint64_t kOrderStream = 0x6F72646572;
constexpr int64_t kMaxImageSize = 2048;
constexpr int64_t kMaxBatchSize = 65536;
constexpr int kMaxThreads = 1024;

// Fisher and Yates' shuffle, from the numbers of (seed, epoch).
void Shuffle(uint64_t seed, int64_t epoch, std::vector<int64_t>& order) {
  Random random = Random::For(seed, static_cast<uint64_t>(epoch), 0, kOrderStream);
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.Below(i)]);
}

// A batch that is being filled. Each image has a place of its own in the tensors, so that threads
// fill it together; what counts them is guarded by the source's mutex.
struct PendingBatch {
  Batch batch;
  int64_t epoch = 0;
  int64_t num_claimed = 0;
  int64_t num_done = 0;
  int64_t failed_position = -1;
  Status failure;

  int64_t size() const { return static_cast<int64_t>(batch.indices.size()); }
};

class PrefetchingBatchSource : public BatchSource {
 public:
  PrefetchingBatchSource(std::vector<ManifestEntry> entries, const BatchSourceOptions& options);
  ~PrefetchingBatchSource() override;
  PrefetchingBatchSource(const PrefetchingBatchSource&) = delete;
  PrefetchingBatchSource& operator=(const PrefetchingBatchSource&) = delete;

  void StartEpoch(int64_t epoch, int64_t first_batch) override EXCLUDES(mutex_);
  Result<std::optional<Batch>> Next() override EXCLUDES(mutex_);
  int64_t num_batches() const override { return num_batches_; }

 private:
  // One image's place in a batch. Workers share the batch with the queue, because StartEpoch may
  // drop it from there while they write.
  struct Task {
    std::shared_ptr<PendingBatch> batch;
    int64_t position = 0;
  };

  void RunWorker(int worker_index);
  bool ClaimTask(Task& task) EXCLUDES(mutex_);
  void OpenBatches() REQUIRES(mutex_);
  std::shared_ptr<PendingBatch> MakeBatch(int64_t batch_index) const REQUIRES(mutex_);
  Status Fill(const Task& task);
  void Finish(const Task& task, Status status) EXCLUDES(mutex_);

  // Constant after construction.
  const std::vector<ManifestEntry> entries_;
  const BatchSourceOptions options_;
  const int64_t num_batches_;
  SampleLoader loader_;  // thread-safe

  Mutex mutex_;
  ConditionVariable work_or_stop_;
  ConditionVariable batch_done_;
  bool is_stopping_ GUARDED_BY(mutex_) = false;
  bool is_started_ GUARDED_BY(mutex_) = false;
  int64_t epoch_ GUARDED_BY(mutex_) = 0;
  int64_t next_batch_ GUARDED_BY(mutex_) = 0;  // the next to be opened
  std::vector<int64_t> order_ GUARDED_BY(mutex_);
  std::deque<std::shared_ptr<PendingBatch>> pending_ GUARDED_BY(mutex_);

  std::vector<std::thread> workers_;  // last: they use all of the above
};

int64_t CountBatches(int64_t num_entries, const BatchSourceOptions& options) {
  const int64_t whole = num_entries / options.batch_size;
  const bool is_even = num_entries % options.batch_size == 0;
  const bool drops_last = options.is_training && options.drop_last && whole > 0;
  return whole + (is_even || drops_last ? 0 : 1);
}

PrefetchingBatchSource::PrefetchingBatchSource(std::vector<ManifestEntry> entries,
                                               const BatchSourceOptions& options)
    : entries_(std::move(entries)),
      options_(options),
      num_batches_(CountBatches(static_cast<int64_t>(entries_.size()), options)),
      loader_(entries_, options_) {
  for (int i = 0; i < options_.num_threads; ++i) {
    workers_.emplace_back([this, i] { RunWorker(i); });
  }
}

PrefetchingBatchSource::~PrefetchingBatchSource() {
  {
    const MutexLock lock(mutex_);
    is_stopping_ = true;
    work_or_stop_.NotifyAll();
  }
  for (std::thread& worker : workers_) worker.join();
}

void PrefetchingBatchSource::StartEpoch(int64_t epoch, int64_t first_batch) {
  std::vector<int64_t> order(entries_.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  if (options_.is_training) Shuffle(options_.seed, epoch, order);

  const MutexLock lock(mutex_);
  is_started_ = true;
  epoch_ = epoch;
  next_batch_ = std::max(first_batch, int64_t{0});
  order_ = std::move(order);
  pending_.clear();
  OpenBatches();
}

Result<std::optional<Batch>> PrefetchingBatchSource::Next() {
  const MutexLock lock(mutex_);
  if (!is_started_) return Status(Code::kFailedPrecondition, "no epoch was started");
  if (pending_.empty()) return std::optional<Batch>();
  const std::shared_ptr<PendingBatch> front = pending_.front();
  while (front->num_done < front->size()) batch_done_.Wait(mutex_);
  pending_.pop_front();
  OpenBatches();
  if (!front->failure.ok()) return front->failure;
  return std::optional<Batch>(std::move(front->batch));
}

void PrefetchingBatchSource::OpenBatches() {
  const auto limit = static_cast<size_t>(options_.prefetch_batches);
  while (pending_.size() < limit && next_batch_ < num_batches_) {
    pending_.push_back(MakeBatch(next_batch_));
    ++next_batch_;
  }
  work_or_stop_.NotifyAll();
}

std::shared_ptr<PendingBatch> PrefetchingBatchSource::MakeBatch(int64_t batch_index) const {
  auto pending = std::make_shared<PendingBatch>();
  pending->epoch = epoch_;
  const int64_t begin = batch_index * options_.batch_size;
  const int64_t end = std::min(begin + options_.batch_size, static_cast<int64_t>(order_.size()));
  Batch& batch = pending->batch;
  batch.indices.assign(order_.begin() + begin, order_.begin() + end);
  const int64_t size = options_.image_size;
  const at::TensorOptions memory = at::TensorOptions().pinned_memory(options_.pinned);
  batch.images = at::empty({pending->size() * loader_.crops_per_image(), 3, size, size},
                           memory.dtype(at::kByte), at::MemoryFormat::ChannelsLast);
  batch.labels = at::empty({pending->size()}, memory.dtype(at::kLong));
  auto* labels = batch.labels.data_ptr<int64_t>();
  for (const int64_t index : batch.indices) {
    *labels++ = entries_[static_cast<size_t>(index)].class_index;
  }
  return pending;
}

void PrefetchingBatchSource::RunWorker(int worker_index) {
  ::pthread_setname_np(::pthread_self(), ("decode-" + std::to_string(worker_index)).c_str());
  Task task;
  while (ClaimTask(task)) Finish(task, Fill(task));
}

// Waits for an image that nobody works on. Returns false when the source is being destroyed.
bool PrefetchingBatchSource::ClaimTask(Task& task) {
  task = {};  // an idle worker holds no batch
  const MutexLock lock(mutex_);
  while (!is_stopping_) {
    for (const std::shared_ptr<PendingBatch>& pending : pending_) {
      if (pending->num_claimed < pending->size()) {
        task = {pending, pending->num_claimed++};
        return true;
      }
    }
    work_or_stop_.Wait(mutex_);
  }
  return false;
}

Status PrefetchingBatchSource::Fill(const Task& task) {
  const int64_t index = task.batch->batch.indices[static_cast<size_t>(task.position)];
  uint8_t* pixels = task.batch->batch.images.data_ptr<uint8_t>();
  return loader_.Load(index, task.batch->epoch, pixels + task.position * loader_.bytes_per_image());
}

void PrefetchingBatchSource::Finish(const Task& task, Status status) {
  const MutexLock lock(mutex_);
  PendingBatch& pending = *task.batch;
  ++pending.num_done;
  if (!status.ok() && (pending.failed_position < 0 || task.position < pending.failed_position)) {
    pending.failed_position = task.position;
    pending.failure = std::move(status);
  }
  if (pending.num_done == pending.size()) batch_done_.NotifyAll();
}

Status CheckOption(bool is_valid, const char* name, int64_t value) {
  if (is_valid) return Status::Ok();
  return {Code::kInvalidArgument, std::string(name) + " is out of range: " + std::to_string(value)};
}

Status CheckOptions(const BatchSourceOptions& options) {
  const auto is_within = [](int64_t value, int64_t max) { return value >= 1 && value <= max; };
  DISTILL_RETURN_IF_ERROR(
      CheckOption(is_within(options.image_size, kMaxImageSize), "image size", options.image_size));
  DISTILL_RETURN_IF_ERROR(
      CheckOption(is_within(options.batch_size, kMaxBatchSize), "batch size", options.batch_size));
  DISTILL_RETURN_IF_ERROR(CheckOption(is_within(options.num_threads, kMaxThreads),
                                      "number of loader threads", options.num_threads));
  DISTILL_RETURN_IF_ERROR(CheckOption(is_within(options.prefetch_batches, kMaxBatchSize),
                                      "prefetched batches", options.prefetch_batches));
  DISTILL_RETURN_IF_ERROR(
      CheckOption(options.cache_bytes >= 0, "cache bytes", options.cache_bytes));
  if (options.is_training && options.ten_crop) {
    return {Code::kInvalidArgument, "ten-crop is for evaluation only"};
  }
  return CheckAugmentation(options.augmentation);
}

}  // namespace

Result<std::unique_ptr<BatchSource>> CreateBatchSource(std::vector<ManifestEntry> entries,
                                                       const BatchSourceOptions& options) {
  if (entries.empty()) return Status(Code::kInvalidArgument, "no images to load");
  DISTILL_RETURN_IF_ERROR(CheckOptions(options));
  return std::unique_ptr<BatchSource>(
      std::make_unique<PrefetchingBatchSource>(std::move(entries), options));
}

}  // namespace distill::core
