#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "server/access/method_rules.h"
#include "tests/eventually.h"
#include "tests/integration/reflection.h"
#include "tests/integration/test_server.h"
#include "tests/integration/users.h"
#include "tests/raw_call.h"

namespace distill::server {
namespace {

using ::testing::AllOf;
using testing::CallRaw;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

using grpc::StatusCode;

// A server with two users and an admin; ada has a job that runs.
class AccessTest : public ::testing::Test {
 protected:
  explicit AccessTest(const AccessGateOptions& options = {}) : server_(options) {
    ada_ = AddUser(server_, "ada");
    ben_ = AddUser(server_, "ben");
    root_ = AddUser(server_, "root", Role::kAdmin);
  }

  v1::Job Create(const std::string& token, v1::Job wanted) {
    v1::CreateJobRequest request;
    *request.mutable_job() = std::move(wanted);
    v1::Job job;
    const grpc::Status status = server_.jobs().CreateJob(As(token).get(), request, &job);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return job;
  }

  template <typename Request, typename Response>
  grpc::Status CallJob(grpc::Status (v1::JobService::Stub::*method)(grpc::ClientContext*,
                                                                    const Request&, Response*),
                       const std::string& token, const std::string& job, Response* response) {
    Request request;
    request.set_job(job);
    return (server_.jobs().*method)(As(token).get(), request, response);
  }

  // Calls a method of JobService that takes a job, by its name.
  grpc::Status CallJobMethod(const std::string& method, const std::string& token,
                             const std::string& job) {
    // Field 1 of every such request: the job (of ListEvaluationsRequest, one of several).
    const std::string request = std::string("\x0a") + static_cast<char>(job.size()) + job;
    std::string response;
    return CallRaw(server_.channel(), As(token), "/distill.v1.JobService/" + method,
                   {grpc::Slice(request)}, response);
  }

  std::vector<AuditRecord> Audit() {
    server_.audit().Stop();
    return server_.access_store().ListAudit({0, 1000}).value();
  }

  TestServer server_;
  std::string ada_;
  std::string ben_;
  std::string root_;
};

class PrivateJobsTest : public AccessTest {
 protected:
  PrivateJobsTest() : AccessTest(Options()) {}
  static AccessGateOptions Options() {
    AccessGateOptions options;
    options.has_private_jobs = true;
    return options;
  }
};

// Methods that take one job as their first field, by what they do to it.
const std::vector<std::string> kChanging = {"CancelJob", "PauseJob", "ResumeJob", "RequeueJob",
                                            "DeleteJob"};
const std::vector<std::string> kSeeing = {"GetJob",          "ExplainJob",    "WatchJob",
                                          "ListJobEvents",   "ListMetrics",   "TailLogs",
                                          "ListEvaluations", "ListArtifacts", "DownloadArtifact"};

TEST_F(AccessTest, EveryMethodOfEveryServiceHasOneRule) {
  grpc::Status status;
  const auto services = ReflectedServices(server_.channel(), As(ada_), status);
  ASSERT_THAT(services, Contains("distill.v1.JobService"));
  std::multiset<std::string> methods;
  for (const std::string& service : services) {
    const auto own = MethodsOf(service);
    EXPECT_THAT(own, Not(IsEmpty())) << service;
    methods.insert(own.begin(), own.end());
  }

  for (const std::string& method : methods) {
    EXPECT_TRUE(RuleOf(method).has_value()) << method << " has no rule";
    EXPECT_EQ(methods.count(method), 1U) << method << " is the name of two methods";
  }
  for (const MethodRule& rule : MethodRules()) {
    EXPECT_EQ(methods.count(std::string(rule.method)), 1U) << rule.method << " is no method";
  }
}

TEST_F(AccessTest, NoMethodAnswersWithoutAToken) {
  grpc::Status status;
  for (const std::string& service : ReflectedServices(server_.channel(), As(ada_), status)) {
    for (const std::string& method : MethodsOf(service)) {
      std::string response;
      const grpc::Status refused =
          CallRaw(server_.channel(), Context("ada"), "/" + service + "/" + method, {}, response);

      EXPECT_EQ(refused.error_code(), StatusCode::UNAUTHENTICATED) << method;
      EXPECT_EQ(ReasonOf(refused), "TOKEN_REFUSED") << method;
      EXPECT_EQ(response, "") << method;
    }
  }
}

TEST_F(AccessTest, EveryMethodAsksUnderItsOwnName) {
  // A request that every method takes for wrong, or for one about nothing: with a right token, none
  // says that it has not been asked for one, or that it did not ask.
  grpc::Status status;
  for (const std::string& service : ReflectedServices(server_.channel(), As(ada_), status)) {
    for (const std::string& method : MethodsOf(service)) {
      std::string response;
      const grpc::Status answer =
          CallRaw(server_.channel(), As(ada_), "/" + service + "/" + method, {}, response);

      EXPECT_NE(answer.error_code(), StatusCode::UNAUTHENTICATED) << method;
      EXPECT_NE(answer.error_code(), StatusCode::PERMISSION_DENIED) << method;
      EXPECT_NE(answer.error_code(), StatusCode::INTERNAL) << method << answer.error_message();
    }
  }
}

TEST_F(AccessTest, ARequestForReflectionThatIsTooLargeIsRefusedAndInTheTrail) {
  // ServerReflectionRequest{list_services = 7}: 4 MiB, its length in four bytes.
  const std::string request = std::string("\x3a\x80\x80\x80\x02", 5) + std::string(1U << 22U, '*');
  const char* path = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
  std::string response;

  const grpc::Status refused =
      CallRaw(server_.channel(), As(ada_), path, {grpc::Slice(request)}, response);

  EXPECT_EQ(refused.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(refused.error_message(), HasSubstr("max_message_bytes: 4194304"));
  EXPECT_EQ(response, "");
  EXPECT_THAT(Audit(),
              Contains(AllOf(Field(&AuditRecord::method, path), Field(&AuditRecord::user, "ada"),
                             Field(&AuditRecord::outcome, "RESOURCE_EXHAUSTED"))));
}

TEST_F(AccessTest, HealthNeedsNoTokenAndReflectionDoes) {
  std::string response;
  EXPECT_TRUE(
      CallRaw(server_.channel(), Context(), "/grpc.health.v1.Health/Check", {}, response).ok());
  EXPECT_EQ(response, std::string("\x08\x01"));  // HealthCheckResponse{status = 1: SERVING}
  grpc::Status status;

  EXPECT_THAT(ReflectedServices(server_.channel(), Context(), status), IsEmpty());

  EXPECT_EQ(status.error_code(), StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(Audit(), Contains(AllOf(Field(&AuditRecord::method, HasSubstr("Reflection")),
                                      Field(&AuditRecord::outcome, "UNAUTHENTICATED"))));
}

TEST_F(AccessTest, AMethodThatIsNotThereIsForNobodyAndInTheTrail) {
  const std::vector<std::string> paths = {
      "/distill.v1.JobService/Fly", "/distill.v1.NoService/GetJob", "/distill.v2.JobService/GetJob",
      "/grpc.health.v1.Health/Fly", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"};
  for (const std::string& path : paths) {
    std::string response;
    const grpc::Status stranger = CallRaw(server_.channel(), Context("ada"), path, {}, response);
    const grpc::Status member = CallRaw(server_.channel(), As(ada_), path, {}, response);

    EXPECT_EQ(stranger.error_code(), StatusCode::UNAUTHENTICATED) << path;
    EXPECT_EQ(ReasonOf(stranger), "TOKEN_REFUSED") << path;
    EXPECT_THAT(stranger.error_message(), Not(HasSubstr("no method"))) << path;
    EXPECT_EQ(member.error_code(), StatusCode::UNIMPLEMENTED) << path;
    EXPECT_THAT(member.error_message(), HasSubstr("this server has no method " + path));
  }

  std::vector<std::string> lines;
  for (const AuditRecord& record : Audit()) {
    if (record.method.empty()) continue;  // of AddUser in this test
    EXPECT_THAT(record.peer, HasSubstr("127.0.0.1"));
    lines.push_back(record.user + " " + record.method + " " + record.outcome);
  }
  std::vector<std::string> expected;
  for (const std::string& path : paths) {
    expected.push_back(" " + path + " UNAUTHENTICATED");
    expected.push_back("ada " + path + " UNIMPLEMENTED");
  }
  EXPECT_EQ(lines, expected);
}

TEST_F(AccessTest, TokenAloneSaysWhoseAJobIs) {
  const v1::Job job = Create(ada_, MakeTrainJob("mine"));

  EXPECT_EQ(job.owner(), "ada");
}

TEST_F(AccessTest, ExpiredAndRevokedTokensAreOutAtTheNextCall) {
  const std::string brief = AddUser(server_, "eve", Role::kUser, std::chrono::hours(1));
  v1::WhoAmIResponse who;
  ASSERT_TRUE(server_.users().WhoAmI(As(brief).get(), {}, &who).ok());
  EXPECT_EQ(who.name(), "eve");
  EXPECT_TRUE(who.is_verified());
  EXPECT_GT(who.token_expires_at_unix_ms(), 0);

  server_.access_clock().Advance(std::chrono::hours(1));
  const grpc::Status expired = server_.users().WhoAmI(As(brief).get(), {}, &who);
  EXPECT_EQ(expired.error_code(), StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(expired.error_message(), HasSubstr("expired"));
  AuditRecord note;
  note.at_unix_ms = 1;
  ASSERT_OK(server_.access_store().RevokeTokens("ben", 0, note));
  const grpc::Status revoked = server_.users().WhoAmI(As(ben_).get(), {}, &who);
  EXPECT_EQ(revoked.error_code(), StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(revoked.error_message(), HasSubstr("revoked"));
}

TEST_F(AccessTest, OthersJobsAreSeenButNotChanged) {
  const v1::Job job = Create(ada_, MakeTrainJob("hers"));
  ASSERT_TRUE(testing::Eventually(kDeadline, [&] {
    return server_.store().FindJob(std::stoll(job.id()))->state == JobState::kRunning;
  }));

  for (const std::string& method : kChanging) {
    for (const std::string& reference : {job.id(), std::string("hers")}) {
      const grpc::Status status = CallJobMethod(method, ben_, reference);
      EXPECT_EQ(status.error_code(), StatusCode::PERMISSION_DENIED) << method;
      EXPECT_EQ(ReasonOf(status), "NOT_ALLOWED") << method;
      EXPECT_THAT(status.error_message(), HasSubstr("ada")) << method;
    }
    EXPECT_EQ(CallJobMethod(method, ben_, "999").error_code(), StatusCode::NOT_FOUND) << method;
  }
  EXPECT_EQ(server_.store().FindJob(std::stoll(job.id()))->state, JobState::kRunning);
  for (const std::string& method : kSeeing) {
    EXPECT_NE(CallJobMethod(method, ben_, job.id()).error_code(), StatusCode::PERMISSION_DENIED)
        << method;
  }
}

TEST_F(AccessTest, OwnersAndAdminsChangeAJobUnderTheirNames) {
  const v1::Job first = Create(ada_, MakeTrainJob("first"));
  const v1::Job second = Create(ada_, MakeTrainJob("second"));
  v1::Job job;

  EXPECT_TRUE(CallJob(&v1::JobService::Stub::PauseJob, ada_, second.id(), &job).ok());
  EXPECT_EQ(job.actor(), "user ada");
  EXPECT_TRUE(CallJob(&v1::JobService::Stub::CancelJob, root_, second.id(), &job).ok());
  EXPECT_EQ(job.actor(), "user root");
  EXPECT_TRUE(CallJob(&v1::JobService::Stub::CancelJob, ada_, first.id(), &job).ok());
}

TEST_F(AccessTest, DatasetsAreDeletedByOwnersAndAdmins) {
  v1::DeleteDatasetRequest request;
  request.set_name("birds");  // ada's
  v1::DeleteDatasetResponse response;

  const grpc::Status refused = server_.datasets().DeleteDataset(As(ben_).get(), request, &response);
  EXPECT_EQ(refused.error_code(), StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(ReasonOf(refused), "NOT_ALLOWED");
  EXPECT_TRUE(server_.store().FindDataset("birds").ok());
  EXPECT_TRUE(server_.datasets().DeleteDataset(As(root_).get(), request, &response).ok());
  EXPECT_FALSE(server_.store().FindDataset("birds").ok());
}

TEST_F(AccessTest, TrailHasEveryActionAndEveryRefusalAndNoToken) {
  const v1::Job job = Create(ada_, MakeTrainJob("traced"));
  v1::Job answer;
  CallJob(&v1::JobService::Stub::CancelJob, ben_, "traced", &answer);
  CallJob(&v1::JobService::Stub::CancelJob, root_, "traced", &answer);
  CallJob(&v1::JobService::Stub::GetJob, ada_, "traced", &answer);
  CallJob(&v1::JobService::Stub::GetJob, "dst_nonsense", "traced", &answer);
  v1::CreateJobRequest rehearsal;
  *rehearsal.mutable_job() = MakeTrainJob("rehearsal");
  rehearsal.set_validate_only(true);
  ASSERT_TRUE(server_.jobs().CreateJob(As(ada_).get(), rehearsal, &answer).ok());

  const std::vector<AuditRecord> trail = Audit();

  std::vector<std::string> lines;
  for (const AuditRecord& record : trail) {
    if (record.method.empty()) continue;  // of AddUser in this test
    lines.push_back(record.user + " " + record.method + " " + record.target + " " + record.outcome);
    EXPECT_THAT(record.peer, HasSubstr("127.0.0.1")) << lines.back();
    EXPECT_GT(record.at_unix_ms, 0);
    for (const std::string& token : {ada_, ben_, root_, std::string("dst_nonsense")}) {
      EXPECT_THAT(record.message + record.target, Not(HasSubstr(token)));
    }
  }
  EXPECT_THAT(lines, ::testing::UnorderedElementsAre("ada CreateJob " + job.id() + " OK",
                                                     "ben CancelJob traced PERMISSION_DENIED",
                                                     "root CancelJob " + job.id() + " OK",
                                                     " GetJob traced UNAUTHENTICATED"));
}

TEST_F(AccessTest, FailedActionIsInTheTrailWithItsCode) {
  v1::Job answer;
  CallJob(&v1::JobService::Stub::CancelJob, ada_, "no-such", &answer);
  v1::CreateJobRequest wrong;
  server_.jobs().CreateJob(As(ada_).get(), wrong, &answer);

  const auto trail = Audit();

  EXPECT_THAT(trail, Contains(AllOf(Field(&AuditRecord::method, "CancelJob"),
                                    Field(&AuditRecord::outcome, "NOT_FOUND"))));
  EXPECT_THAT(trail, Contains(AllOf(Field(&AuditRecord::method, "CreateJob"),
                                    Field(&AuditRecord::outcome, "INVALID_ARGUMENT"))));
}

TEST(OpenServerTest, WithoutUsersTheClaimedNameHoldsAndIsMarkedInTheTrail) {
  TestServer server;
  v1::WhoAmIResponse who;
  ASSERT_TRUE(server.users().WhoAmI(Context("ada").get(), {}, &who).ok());
  EXPECT_EQ(who.name(), "ada");
  EXPECT_FALSE(who.is_verified());
  v1::CreateJobRequest request;
  *request.mutable_job() = MakeTrainJob("open");
  v1::Job job;
  ASSERT_TRUE(server.jobs().CreateJob(Context("ada").get(), request, &job).ok());
  v1::CancelJobRequest cancel;
  cancel.set_job("open");

  EXPECT_TRUE(server.jobs().CancelJob(Context("ben").get(), cancel, &job).ok());

  server.audit().Stop();
  EXPECT_THAT(*server.access_store().ListAudit({}),
              Contains(AllOf(Field(&AuditRecord::user, "ben (unverified)"),
                             Field(&AuditRecord::method, "CancelJob"))));
}

TEST_F(PrivateJobsTest, OthersJobsAnswerAsIfTheyWereNotThere) {
  Create(ada_, MakeTrainJob("hidden"));
  std::vector<std::string> methods = kSeeing;
  methods.insert(methods.end(), kChanging.begin(), kChanging.end());

  for (const std::string& method : methods) {
    const grpc::Status there = CallJobMethod(method, ben_, "hidden");
    const grpc::Status missing = CallJobMethod(method, ben_, "absent");

    EXPECT_EQ(there.error_code(), StatusCode::PERMISSION_DENIED) << method;
    EXPECT_EQ(missing.error_code(), StatusCode::PERMISSION_DENIED) << method;
    EXPECT_EQ(std::string(there.error_message())
                  .replace(there.error_message().find("hidden"), 6, "absent"),
              missing.error_message());
    EXPECT_NE(CallJobMethod(method, ada_, "hidden").error_code(), StatusCode::PERMISSION_DENIED)
        << method;
  }
  EXPECT_EQ(CallJobMethod("GetJob", ben_, "@last").error_code(), StatusCode::NOT_FOUND);
  EXPECT_TRUE(CallJobMethod("ListArtifacts", root_, "hidden").ok());
}

TEST_F(PrivateJobsTest, ListsShowOwnJobsOnly) {
  Create(ada_, MakeTrainJob("of-ada"));
  Create(ben_, MakeTrainJob("of-ben"));
  v1::ListJobsResponse response;

  ASSERT_TRUE(server_.jobs().ListJobs(As(ben_).get(), {}, &response).ok());
  ASSERT_THAT(response.jobs(), SizeIs(1));
  EXPECT_EQ(response.jobs(0).name(), "of-ben");
  v1::ListJobsRequest others;
  others.set_owner("ada");
  EXPECT_EQ(server_.jobs().ListJobs(As(ben_).get(), others, &response).error_code(),
            StatusCode::PERMISSION_DENIED);
  response.Clear();
  ASSERT_TRUE(server_.jobs().ListJobs(As(root_).get(), {}, &response).ok());
  EXPECT_THAT(response.jobs(), SizeIs(2));
}

TEST_F(PrivateJobsTest, QueueAndReasonsShowOwnJobsOnly) {
  const v1::Job running = Create(ada_, MakeTrainJob("running"));
  ASSERT_TRUE(testing::Eventually(kDeadline, [&] {
    return server_.store().FindJob(std::stoll(running.id()))->state == JobState::kRunning;
  }));
  Create(ada_, MakeTrainJob("of-ada"));
  const v1::Job own = Create(ben_, MakeTrainJob("of-ben"));
  v1::ListQueueResponse queue;

  ASSERT_TRUE(server_.jobs().ListQueue(As(ben_).get(), {}, &queue).ok());
  ASSERT_THAT(queue.entries(), SizeIs(1));
  EXPECT_EQ(queue.entries(0).job().name(), "of-ben");
  EXPECT_EQ(queue.length(), 2);
  v1::ExplainJobRequest request;
  request.set_job(own.id());
  v1::ExplainJobResponse why;
  ASSERT_TRUE(server_.jobs().ExplainJob(As(ben_).get(), request, &why).ok());
  EXPECT_EQ(why.waiting().rule(), v1::WAITING_RULE_DEVICE);
  EXPECT_THAT(why.holders(), IsEmpty());
}

TEST_F(PrivateJobsTest, DevicesShowOthersJobsWithoutNames) {
  const v1::Job job = Create(ada_, MakeTrainJob("of-ada"));
  ASSERT_TRUE(testing::Eventually(kDeadline, [&] {
    return server_.store().FindJob(std::stoll(job.id()))->state == JobState::kRunning;
  }));
  v1::ListDevicesResponse of_ben;
  v1::ListDevicesResponse of_ada;

  ASSERT_TRUE(server_.server().ListDevices(As(ben_).get(), {}, &of_ben).ok());
  ASSERT_TRUE(server_.server().ListDevices(As(ada_).get(), {}, &of_ada).ok());

  ASSERT_THAT(of_ben.devices(0).jobs(), SizeIs(1));
  EXPECT_THAT(of_ben.DebugString(), Not(HasSubstr("ada")));
  EXPECT_THAT(of_ada.DebugString(), HasSubstr("of-ada"));
}

TEST_F(PrivateJobsTest, OthersJobsAreNoTeachers) {
  Create(ada_, MakeTrainJob("teacher"));
  v1::CreateJobRequest request;
  *request.mutable_job() = MakeTrainJob("student");
  v1::Distillation& distillation = *request.mutable_job()->mutable_train()->mutable_distillation();
  distillation.add_teachers()->set_job("teacher");
  v1::Job job;

  const grpc::Status status = server_.jobs().CreateJob(As(ben_).get(), request, &job);

  EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(FieldsOf(status), Contains(HasSubstr("teachers[0]")));
}

}  // namespace
}  // namespace distill::server
