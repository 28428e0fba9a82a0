#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "server/access/token.h"
#include "tests/eventually.h"
#include "tests/integration/test_server.h"
#include "tests/integration/users.h"

namespace distill::server {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;

using grpc::StatusCode;

// How a right to see ends, on a server with a user "eve" and her token.
const std::map<std::string, std::function<void(TestServer&)>> kEnds = {
    {"Revoked",
     [](TestServer& server) {
       EXPECT_OK(server.access_store().RevokeTokens("eve", 0, NoteAt(1)));
     }},
    {"Expired", [](TestServer& server) { server.access_clock().Advance(std::chrono::hours(1)); }},
    {"UserRemoved",
     [](TestServer& server) { EXPECT_OK(server.access_store().RemoveUser("eve", NoteAt(1))); }},
};

std::vector<std::string> NamesOfEnds() {
  std::vector<std::string> names;
  for (const auto& [name, end] : kEnds) names.push_back(name);
  return names;
}

class StreamAccessTest : public ::testing::TestWithParam<std::string> {
 protected:
  explicit StreamAccessTest(const AccessGateOptions& options = {}) : server_(options) {
    server_.preparer().set_script("started;print hello;wait go;outcome 8 0");
    // Somebody stays, so that tokens are asked for.
    AddUser(server_, "root", Role::kAdmin);
    eve_ = AddUser(server_, "eve", Role::kUser, std::chrono::hours(1));
  }

  std::string RunAJobOf(const std::string& token) {
    v1::CreateJobRequest request;
    *request.mutable_job() = MakeTrainJob("watched");
    v1::Job job;
    EXPECT_TRUE(server_.jobs().CreateJob(As(token).get(), request, &job).ok());
    return job.id();
  }

  // Opens a stream of `job`, which never ends by itself, waits for its first message, calls
  // `then` and returns how the stream ends.
  template <typename Request, typename Message>
  grpc::Status EndOf(std::unique_ptr<grpc::ClientReader<Message>> (v1::JobService::Stub::*open)(
                         grpc::ClientContext*, const Request&),
                     std::unique_ptr<grpc::ClientContext> context, const Request& request,
                     const std::function<void()>& then) {
    const auto reader = (server_.jobs().*open)(context.get(), request);
    Message message;
    const bool is_open = reader->Read(&message);
    EXPECT_TRUE(is_open);
    if (is_open) then();
    while (reader->Read(&message)) {
    }
    return reader->Finish();
  }

  grpc::Status EndOfWatch(std::unique_ptr<grpc::ClientContext> context, const std::string& job,
                          const std::function<void()>& then) {
    v1::WatchJobRequest request;
    request.set_job(job);
    return EndOf(&v1::JobService::Stub::WatchJob, std::move(context), request, then);
  }

  grpc::Status EndOfLog(std::unique_ptr<grpc::ClientContext> context, const std::string& job,
                        const std::function<void()>& then) {
    v1::TailLogsRequest request;
    request.set_job(job);
    request.set_follow(true);
    return EndOf(&v1::JobService::Stub::TailLogs, std::move(context), request, then);
  }

  void ExpectRefusalInTrail(const std::string& method) {
    server_.audit().Stop();
    EXPECT_THAT(
        *server_.access_store().ListAudit({0, 1000}),
        Contains(AllOf(Field(&AuditRecord::method, method), Field(&AuditRecord::user, "eve"),
                       Field(&AuditRecord::outcome, "UNAUTHENTICATED"))));
  }

  TestServer server_;
  std::string eve_;
};

TEST_P(StreamAccessTest, TokenEndsAnOpenWatch) {
  const std::string job = RunAJobOf(eve_);

  const grpc::Status status = EndOfWatch(As(eve_), job, [&] { kEnds.at(GetParam())(server_); });

  EXPECT_EQ(status.error_code(), StatusCode::UNAUTHENTICATED) << status.error_message();
  EXPECT_THAT(status.error_message(), HasSubstr("distillctl login"));
  EXPECT_EQ(ReasonOf(status), "TOKEN_REFUSED");
  ExpectRefusalInTrail("WatchJob");
}

TEST_P(StreamAccessTest, TokenEndsAFollowedLog) {
  const std::string job = RunAJobOf(eve_);

  const grpc::Status status = EndOfLog(As(eve_), job, [&] { kEnds.at(GetParam())(server_); });

  EXPECT_EQ(status.error_code(), StatusCode::UNAUTHENTICATED) << status.error_message();
  EXPECT_THAT(status.error_message(), HasSubstr("distillctl login"));
  ExpectRefusalInTrail("TailLogs");
}

TEST_P(StreamAccessTest, TokenEndsADownloadThatIsUnderWay) {
  constexpr int64_t kBytes = int64_t{256} << 20U;  // far more than fits on the way
  server_.preparer().set_script("started;print hello;artifact large.bin " + std::to_string(kBytes) +
                                ";wait go;outcome 8 0");
  const std::string job = RunAJobOf(eve_);
  ASSERT_TRUE(testing::Eventually(kDeadline, [&] {
    const auto artifacts = server_.store().ListArtifacts(std::stoll(job));
    return artifacts.ok() && !artifacts->empty();
  }));
  v1::DownloadArtifactRequest request;
  request.set_job(job);
  request.set_artifact("large.bin");
  const auto context = As(eve_);
  const auto reader = server_.jobs().DownloadArtifact(context.get(), request);
  v1::DownloadArtifactResponse piece;
  ASSERT_TRUE(reader->Read(&piece));
  auto num_bytes = static_cast<int64_t>(piece.data().size());

  // A watch that was opened later has been asked again: then so is the download.
  EndOfWatch(As(eve_), job, [&] { kEnds.at(GetParam())(server_); });
  while (reader->Read(&piece)) num_bytes += static_cast<int64_t>(piece.data().size());

  const grpc::Status status = reader->Finish();
  EXPECT_EQ(status.error_code(), StatusCode::UNAUTHENTICATED) << status.error_message();
  EXPECT_LT(num_bytes, kBytes);
  ExpectRefusalInTrail("DownloadArtifact");
}

INSTANTIATE_TEST_SUITE_P(ThatIs, StreamAccessTest, ::testing::ValuesIn(NamesOfEnds()),
                         [](const auto& end) { return end.param; });

TEST_F(StreamAccessTest, AnotherTokensEndEndsNoStream) {
  const std::string other = AddUser(server_, "ben");
  const std::string job = RunAJobOf(eve_);

  const grpc::Status status = EndOfWatch(As(eve_), job, [&] {
    // That ben's has ended says that eve's, which is older, was asked again too.
    const grpc::Status of_ben = EndOfWatch(As(other), job, [&] {
      ASSERT_OK(server_.access_store().RevokeTokens("ben", 0, NoteAt(1)));
    });
    EXPECT_EQ(of_ben.error_code(), StatusCode::UNAUTHENTICATED);
    server_.LetGo(job);
  });

  EXPECT_TRUE(status.ok()) << status.error_message();
}

TEST_F(StreamAccessTest, FirstUserEndsStreamsThatShowedNoToken) {
  TestServer open;
  open.preparer().set_script("started;wait go;outcome 8 0");
  v1::CreateJobRequest create;
  *create.mutable_job() = MakeTrainJob("watched");
  v1::Job job;
  ASSERT_TRUE(open.jobs().CreateJob(Context().get(), create, &job).ok());
  v1::WatchJobRequest request;
  request.set_job(job.id());
  const auto context = Context();
  const auto reader = open.jobs().WatchJob(context.get(), request);
  v1::WatchJobResponse message;
  ASSERT_TRUE(reader->Read(&message));

  AddUser(open, "ada");

  while (reader->Read(&message)) {
  }
  EXPECT_EQ(reader->Finish().error_code(), StatusCode::UNAUTHENTICATED);
}

class PrivateStreamAccessTest : public StreamAccessTest {
 protected:
  PrivateStreamAccessTest() : StreamAccessTest(Private()) {}
  static AccessGateOptions Private() {
    AccessGateOptions options;
    options.has_private_jobs = true;
    return options;
  }

  // The same token, in a lesser role.
  void MakeUserOf(const std::string& name, const std::string& token) {
    TokenRecord record;
    record.user = name;
    record.sha256 = HashOfToken(token);
    ASSERT_OK(server_.access_store().RemoveUser(name, NoteAt(1)));
    ASSERT_OK(server_.access_store().AddUser({name, Role::kUser, 1}, record, NoteAt(1)));
  }
};

TEST_F(PrivateStreamAccessTest, LostRoleEndsAWatchOfAnothersJob) {
  const std::string admin = AddUser(server_, "ida", Role::kAdmin);
  const std::string job = RunAJobOf(eve_);

  const grpc::Status status = EndOfWatch(As(admin), job, [&] { MakeUserOf("ida", admin); });

  EXPECT_EQ(status.error_code(), StatusCode::PERMISSION_DENIED) << status.error_message();
}

TEST_F(PrivateStreamAccessTest, LostRoleEndsAWatchOfAnOwnJobToBeAskedForAgain) {
  const std::string admin = AddUser(server_, "ida", Role::kAdmin);
  const std::string job = RunAJobOf(admin);

  const grpc::Status status = EndOfWatch(As(admin), job, [&] { MakeUserOf("ida", admin); });

  EXPECT_EQ(status.error_code(), StatusCode::UNAVAILABLE) << status.error_message();
}

}  // namespace
}  // namespace distill::server
