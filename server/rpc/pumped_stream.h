#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "core/base/mutex.h"
#include "server/job/job_events.h"
#include "server/rpc/live_streams.h"
#include "server/rpc/rpc_guard.h"
#include "server/rpc/stream_source.h"
#include "server/rpc/task_pool.h"

namespace distill::server {

/// What streams share; all must outlive them.
struct StreamEnvironment {
  TaskPool& pool;
  LiveStreams& streams;
  JobEvents& events;
};

/// Sends what a StreamSource makes. The source runs on the task pool, never in a reaction; at any
/// time either one step of it or one write is under way ("busy"), and Finish() is called exactly
/// once, when neither is.
///
/// Held by shared_ptr: gRPC (until OnDone), the list of live streams, a task in the pool and an
/// event's callback each may be the last to look at it.
template <typename Message>
class PumpedStream final : public grpc::ServerWriteReactor<Message>,
                           public LiveStream,
                           public std::enable_shared_from_this<PumpedStream<Message>> {
 public:
  using Source = std::unique_ptr<StreamSource<Message>>;

  /// What belongs to a stream beside its source.
  struct Opening {
    JobId watched = 0;  // the job whose changes wake the stream; 0 = none
    /// Called about every second, while nothing is being written: the stream ends with what it
    /// returns, unless that is ok. Blocks. May be empty.
    std::function<Status()> ask_again;
  };

  /// Returns the reactor of a call; `environment` and `context` must outlive it. `make_source` runs
  /// on the pool, before the first step; it returns Result<Source> and fills the opening in. It
  /// claims the stream for the caller once it knows that, and fails as the claim does: too many
  /// streams are open.
  using Claim = std::function<Status(const std::string& user)>;
  using MakeSource = std::function<Result<Source>(Opening& opening, const Claim& claim)>;
  static grpc::ServerWriteReactor<Message>* Start(const StreamEnvironment& environment,
                                                  grpc::CallbackServerContext& context,
                                                  MakeSource make_source) {
    auto stream = std::make_shared<PumpedStream>(environment, context, std::move(make_source));
    stream->self_ = stream;
    stream->admission_ = environment.streams.Add(stream);
    environment.pool.Run([stream] { stream->Step(); });
    return stream.get();
  }

  /// Returns the reactor of a call that ends with `why`, an error, as soon as the pool comes to it.
  static grpc::ServerWriteReactor<Message>* Refuse(const StreamEnvironment& environment,
                                                   grpc::CallbackServerContext& context,
                                                   const Status& why) {
    return Start(environment, context,
                 [why](Opening&, const Claim&) -> Result<Source> { return why; });
  }

  /// Use Start().
  PumpedStream(const StreamEnvironment& environment, grpc::CallbackServerContext& context,
               MakeSource make_source)
      : environment_(environment), context_(context), make_source_(std::move(make_source)) {}

  void OnWriteDone(bool is_ok) override {
    if (!is_ok) Stop(Status(Code::kCancelled, "the client is gone"));
    environment_.pool.Run([self = this->shared_from_this()] { self->Step(); });
  }

  void OnCancel() override { Stop(Status(Code::kCancelled, "cancelled by the client")); }

  void OnDone() override {
    subscription_.reset();  // waits for a callback under way; none comes after
    environment_.streams.Remove(admission_.number);
    self_.reset();
  }

  void FinishSoon() override { Stop(Status(Code::kUnavailable, "the server is stopping")); }
  void BreakOff() override { context_.TryCancel(); }

 private:
  static constexpr std::chrono::milliseconds kAskAgainAfter{1'000};

  // Ends the stream with `status`, now or when what is under way is done.
  void Stop(const Status& status) {
    {
      MutexLock lock(mutex_);
      if (stop_.ok()) stop_ = status;
      if (is_busy_ || is_finished_) return;
      is_finished_ = true;
    }
    this->Finish(ToGrpc(status));
  }

  // Something may be new, or the time of the wait with this number is over.
  void Wake(int64_t wait_number) {
    {
      MutexLock lock(mutex_);
      if (is_finished_ || (wait_number != 0 && wait_number != wait_number_)) return;
      if (is_busy_) {
        is_dirty_ = true;
        return;
      }
      is_busy_ = true;
    }
    environment_.pool.Run([self = this->shared_from_this()] { self->Step(); });
  }

  // REQUIRES: busy.
  void Step() {
    while (true) {
      if (const Status stop = TakeStop(); !stop.ok()) return FinishWith(stop);
      if (const Status refused = AskAgain(); !refused.ok()) return FinishWith(refused);
      message_.Clear();
      const StreamStep step = Next();
      if (step.kind == StreamStep::Kind::kEnd) return FinishWith(step.status);
      if (step.kind == StreamStep::Kind::kSend) return this->StartWrite(&message_);
      if (!Rest(step.delay)) continue;
      return;
    }
  }

  StreamStep Next() {
    try {
      if (!source_) {
        const Status status = Open();
        if (!status.ok()) return StreamStep::End(status);
      }
      return source_->Next(message_);
    } catch (const std::exception& error) {
      return StreamStep::End(Status(Code::kInternal, error.what()));
    } catch (...) {
      return StreamStep::End(Status(Code::kInternal, "unknown exception"));
    }
  }

  // Subscribes before the first look: a change in between is seen by one or the other.
  Status Open() {
    Opening opening;
    const Claim claim = [this](const std::string& user) {
      return admission_.status.ok() ? environment_.streams.Claim(admission_.number, user)
                                    : admission_.status;
    };
    DISTILL_ASSIGN_OR_RETURN(source_, make_source_(opening, claim));
    make_source_ = nullptr;
    ask_again_ = std::move(opening.ask_again);
    ask_again_at_ = std::chrono::steady_clock::now() + kAskAgainAfter;
    if (opening.watched != 0) {
      subscription_ =
          environment_.events.Subscribe(opening.watched, [weak = this->weak_from_this()](JobId) {
            if (const auto self = weak.lock()) self->Wake(0);
          });
    }
    return {};
  }

  Status AskAgain() {
    const auto now = std::chrono::steady_clock::now();
    if (!ask_again_ || now < ask_again_at_) return {};
    ask_again_at_ = now + kAskAgainAfter;
    return CallGuarded(ask_again_);
  }

  std::chrono::milliseconds UntilAskedAgain() const {
    const auto left = ask_again_at_ - std::chrono::steady_clock::now();
    return std::max(std::chrono::ceil<std::chrono::milliseconds>(left),
                    std::chrono::milliseconds(0));
  }

  Status TakeStop() {
    MutexLock lock(mutex_);
    is_dirty_ = false;
    return stop_;
  }

  // Ends being busy, unless there is something to do already; returns whether it did.
  bool Rest(std::chrono::milliseconds delay) {
    if (ask_again_) delay = std::min(delay, UntilAskedAgain());
    int64_t wait_number = 0;
    {
      MutexLock lock(mutex_);
      if (is_dirty_ || !stop_.ok()) return false;
      is_busy_ = false;
      wait_number = ++wait_number_;
    }
    environment_.pool.Run(
        [weak = this->weak_from_this(), wait_number] {
          if (const auto self = weak.lock()) self->Wake(wait_number);
        },
        delay);
    return true;
  }

  void FinishWith(const Status& status) {
    {
      MutexLock lock(mutex_);
      is_busy_ = false;
      is_finished_ = true;
    }
    this->Finish(ToGrpc(status));
  }

  const StreamEnvironment environment_;
  grpc::CallbackServerContext& context_;
  LiveStreams::Admission admission_;  // of a refusal, the caller is told once it is known

  // Of the step or write under way.
  MakeSource make_source_;
  Source source_;
  std::function<Status()> ask_again_;
  std::chrono::steady_clock::time_point ask_again_at_;
  std::unique_ptr<JobEvents::Subscription> subscription_;
  Message message_;

  // Released by OnDone.
  std::shared_ptr<PumpedStream> self_;

  Mutex mutex_;
  Status stop_ GUARDED_BY(mutex_);            // ok: go on
  bool is_busy_ GUARDED_BY(mutex_) = true;    // with the first step
  bool is_dirty_ GUARDED_BY(mutex_) = false;  // woken while busy
  bool is_finished_ GUARDED_BY(mutex_) = false;
  int64_t wait_number_ GUARDED_BY(mutex_) = 0;
};

}  // namespace distill::server
