#include "server/rpc/socket_poller.h"

#include <grpcpp/server_builder.h>
#include <pthread.h>

namespace distill::server {
namespace {

// Returns when the queue is shut down and empty.
void Poll(grpc::ServerCompletionQueue& queue) {
  void* tag = nullptr;
  bool ok = false;
  while (queue.Next(&tag, &ok)) {
  }
}

}  // namespace

SocketPoller::SocketPoller(grpc::ServerBuilder& builder) : queue_(builder.AddCompletionQueue()) {}

SocketPoller::~SocketPoller() {
  queue_->Shutdown();
  if (thread_.joinable()) {
    thread_.join();
  } else {
    Poll(*queue_);
  }
}

void SocketPoller::Start() {
  thread_ = std::thread([&queue = *queue_] { Poll(queue); });
  ::pthread_setname_np(thread_.native_handle(), "rpc-poll");
}

}  // namespace distill::server
