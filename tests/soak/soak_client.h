#pragma once

#include <grpcpp/security/credentials.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "core/base/durable_file.h"
#include "core/base/random.h"
#include "distill/v1/job_service.grpc.pb.h"

namespace distill::testing {

/// What all clients did and saw.
struct SoakTally {
  std::atomic<int64_t> calls = 0;
  std::atomic<int64_t> streams = 0;
  std::atomic<int64_t> half_open = 0;
  std::atomic<int64_t> unexpected = 0;  // answers that no client's deed explains
  std::atomic<int64_t> unanswered = 0;  // calls that ran into their deadline
};

/// One of many clients that do as they please, badly at times: it submits, lists, cancels and
/// deletes jobs, but for one with the label "spared"; watches without reading, follows logs and
/// hangs up in the middle, and begins TLS handshakes that it does not end, of which it keeps some
/// open. Owned by one thread.
class SoakClient {
 public:
  /// `tally` must outlive this object. `address` is the server's host:port, which speaks TLS.
  SoakClient(const std::string& address,
             const std::shared_ptr<grpc::ChannelCredentials>& credentials, uint64_t number,
             SoakTally& tally);

  /// Does one thing.
  void Act();

 private:
  void Submit();
  void Cancel();
  void Delete();
  void List();
  void ReadMetrics();
  void WatchAndHangUp();
  void WatchWithoutReading();
  void FollowLogsAndHangUp();
  void SendNonsense();
  void BeginAHandshake();
  void Count(const grpc::Status& status);
  std::string SomeJob();

  const std::string address_;
  const std::shared_ptr<grpc::ChannelCredentials> credentials_;
  const std::string user_;
  SoakTally& tally_;
  Random random_;
  std::deque<FileDescriptor> half_open_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::JobService::Stub> jobs_;
};

}  // namespace distill::testing
