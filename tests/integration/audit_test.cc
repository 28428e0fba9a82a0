#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

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
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using grpc::StatusCode;

constexpr size_t kMaxBytes =
    size_t{4} * 1024 * 1024;  // of a request, unless something else is said

// A private server on which ada has a job and a data set, and ben may touch neither.
class AuditTest : public ::testing::TestWithParam<MethodRule> {
 protected:
  AuditTest() : server_(Private()) {
    ada_ = AddUser(server_, "ada");
    ben_ = AddUser(server_, "ben");
  }

  static AccessGateOptions Private() {
    AccessGateOptions options;
    options.has_private_jobs = true;
    return options;
  }

  std::string method() const { return std::string(GetParam().method); }

  grpc::Status Call(const std::string& method, std::unique_ptr<grpc::ClientContext> context,
                    const std::string& request) {
    for (const char* service : {"JobService", "DatasetService", "ServerService", "UserService"}) {
      const std::string name = "distill.v1." + std::string(service);
      for (const std::string& own : MethodsOf(name)) {
        std::string response;
        if (own != method) continue;
        return CallRaw(server_.channel(), std::move(context), "/" + name + "/" + method,
                       {grpc::Slice(request)}, response);
      }
    }
    ADD_FAILURE() << "no such method: " << method;
    return {};
  }

  // A job of ada's on which the method under test can be carried out.
  std::string MakeJob() {
    v1::CreateJobRequest request;
    *request.mutable_job() = MakeTrainJob("of-ada");
    v1::Job job;
    EXPECT_TRUE(server_.jobs().CreateJob(As(ada_).get(), request, &job).ok());
    const auto prepare = [&](const std::string& first) {
      EXPECT_TRUE(Call(first, As(ada_), About(job.id())).ok());
    };
    if (method() == "ResumeJob") prepare("PauseJob");
    if (method() == "RequeueJob" || method() == "DeleteJob") prepare("CancelJob");
    if (GetParam().rule == Rule::kSeeJob || method() == "PauseJob" || method() == "CancelJob") {
      return job.id();
    }
    const auto state = method() == "ResumeJob" ? JobState::kPaused : JobState::kCancelled;
    EXPECT_TRUE(testing::Eventually(std::chrono::seconds(20), [&] {
      return server_.store().FindJob(std::stoll(job.id()))->state == state;
    }));
    return job.id();
  }

  static std::string About(const std::string& name) {
    v1::GetJobRequest request;  // field 1 of all that take a job or a data set
    request.set_job(name);
    return request.SerializeAsString();
  }

  // A request that ada may make, and what the trail is to call its target.
  std::pair<std::string, std::string> RightRequest() {
    if (GetParam().rule == Rule::kChangeJob) {
      const std::string job = MakeJob();
      return {About(job), job};
    }
    if (method() == "CreateJob") {
      v1::CreateJobRequest request;
      *request.mutable_job() = MakeTrainJob("new");
      return {request.SerializeAsString(), "1"};
    }
    if (method() == "BatchCreateJobs") {
      v1::BatchCreateJobsRequest request;
      *request.add_jobs() = MakeTrainJob("one");
      *request.add_jobs() = MakeTrainJob("two");
      return {request.SerializeAsString(), "1-2"};
    }
    if (method() == "CreateDataset") {
      const std::filesystem::path images = server_.folder() / "images";
      std::filesystem::create_directories(images / "wren");
      v1::CreateDatasetRequest request;
      request.mutable_dataset()->set_name("images");
      request.mutable_dataset()->set_path(images.string());
      return {request.SerializeAsString(), "images"};
    }
    return {About("birds"), "birds"};
  }

  // What the trail says of the method: "user outcome target", in order.
  std::vector<std::string> Trail() {
    server_.audit().Stop();
    std::vector<std::string> lines;
    const auto records = server_.access_store().ListAudit({0, 1000}).value();
    for (const AuditRecord& record : records) {
      if (record.method != GetParam().method) continue;
      lines.push_back(record.user + " " + record.outcome + " " + record.target);
    }
    return lines;
  }

  TestServer server_;
  std::string ada_;
  std::string ben_;
};

TEST_P(AuditTest, HoldsACallWithoutAToken) {
  EXPECT_EQ(Call(method(), Context("mallory"), /*request=*/"").error_code(),
            StatusCode::UNAUTHENTICATED);

  const std::vector<std::string> trail = Trail();
  ASSERT_EQ(trail.size(), 1U);
  EXPECT_EQ(trail[0].rfind(" UNAUTHENTICATED", 0), 0U) << trail[0];
}

TEST_P(AuditTest, HoldsARequestThatIsNoMessage) {
  EXPECT_EQ(Call(method(), As(ada_), /*request=*/"\xff").error_code(),
            StatusCode::INVALID_ARGUMENT);

  EXPECT_THAT(Trail(), ElementsAre("ada INVALID_ARGUMENT "));
}

TEST_P(AuditTest, HoldsARequestThatIsTooLarge) {
  const grpc::Status refused = Call(method(), As(ada_), About(std::string(kMaxBytes, 'x')));

  EXPECT_EQ(refused.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonOf(refused), "LIMIT_REACHED");
  // The text, its length in four bytes, and the number of its field.
  EXPECT_THAT(refused.error_message(),
              AllOf(HasSubstr(std::to_string(kMaxBytes + 5) + " bytes"),
                    HasSubstr("max_message_bytes: " + std::to_string(kMaxBytes))));
  EXPECT_THAT(Trail(), ElementsAre("ada RESOURCE_EXHAUSTED "));
}

TEST_P(AuditTest, HoldsARequestThatIsTooLargeOfAStranger) {
  const std::string request = About(std::string(kMaxBytes, 'x'));

  EXPECT_EQ(Call(method(), Context("mallory"), request).error_code(),
            StatusCode::RESOURCE_EXHAUSTED);

  EXPECT_THAT(Trail(), ElementsAre(" RESOURCE_EXHAUSTED "));
}

TEST_P(AuditTest, HoldsARequestThatIsCompressed) {
  auto context = As(ada_);
  context->set_compression_algorithm(GRPC_COMPRESS_GZIP);

  EXPECT_EQ(Call(method(), std::move(context), About(std::string(10'000, 'x'))).error_code(),
            StatusCode::UNIMPLEMENTED);

  EXPECT_THAT(Trail(), ElementsAre("ada UNIMPLEMENTED "));
}

INSTANTIATE_TEST_SUITE_P(Of, AuditTest, ::testing::ValuesIn(MethodRules()),
                         [](const auto& rule) { return std::string(rule.param.method); });

std::vector<MethodRule> RulesThat(bool (*are)(Rule)) {
  std::vector<MethodRule> rules;
  for (const MethodRule& rule : MethodRules()) {
    if (are(rule.rule)) rules.push_back(rule);
  }
  return rules;
}

class AuditOfStrangersTest : public AuditTest {};

TEST_P(AuditOfStrangersTest, HoldsACallAboutWhatIsAnothers) {
  const std::string target = GetParam().rule == Rule::kChangeDataset ? "birds" : MakeJob();

  EXPECT_EQ(Call(method(), As(ben_), About(target)).error_code(), StatusCode::PERMISSION_DENIED);

  EXPECT_THAT(Trail(), Contains("ben PERMISSION_DENIED " + target));
}

INSTANTIATE_TEST_SUITE_P(Of, AuditOfStrangersTest, ::testing::ValuesIn(RulesThat([](Rule rule) {
                           return rule != Rule::kAnyUser && rule != Rule::kAct;
                         })),
                         [](const auto& rule) { return std::string(rule.param.method); });

class AuditOfActionsTest : public AuditTest {};

TEST_P(AuditOfActionsTest, HoldsWhatWasDone) {
  const auto [request, target] = RightRequest();

  const grpc::Status status = Call(method(), As(ada_), request);

  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_THAT(Trail(), ElementsAre("ada OK " + target));
}

INSTANTIATE_TEST_SUITE_P(Of, AuditOfActionsTest, ::testing::ValuesIn(RulesThat(IsAction)),
                         [](const auto& rule) { return std::string(rule.param.method); });

class AuditOfRepeatsTest : public AuditTest {};

TEST_P(AuditOfRepeatsTest, HoldsWhatWasDoneOnceHoweverOftenItIsSaid) {
  const auto [request, target] = RightRequest();

  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Call(method(), As(ada_), request).ok());

  EXPECT_THAT(Trail(), ElementsAre("ada OK " + target));
}

INSTANTIATE_TEST_SUITE_P(Of, AuditOfRepeatsTest,
                         ::testing::Values(MethodRule{"CancelJob", Rule::kChangeJob},
                                           MethodRule{"PauseJob", Rule::kChangeJob}),
                         [](const auto& rule) { return std::string(rule.param.method); });

class AuditOfLooksTest : public AuditTest {};

TEST_P(AuditOfLooksTest, HoldsNoLookThatWasAllowed) {
  const std::string job = GetParam().rule == Rule::kSeeJob ? MakeJob() : "";

  Call(method(), As(ada_), job.empty() ? "" : About(job));

  EXPECT_THAT(Trail(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Of, AuditOfLooksTest,
                         ::testing::ValuesIn(RulesThat([](Rule rule) { return !IsAction(rule); })),
                         [](const auto& rule) { return std::string(rule.param.method); });

}  // namespace
}  // namespace distill::server
