#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
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

using testing::CallRaw;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Numbers that stand out in an answer.
constexpr JobId kLastJob = 770'000;
constexpr char kStranger[] = "marvella";
constexpr std::chrono::seconds kWait{20};

AccessGateOptions Private() {
  AccessGateOptions options;
  options.has_private_jobs = true;
  return options;
}

// A private server with jobs of marvella's and ben's that have to do with each other in each way
// that there is, also in those that the server only allows while jobs are not private.
class PrivateAnswersTest : public ::testing::TestWithParam<std::string> {
 protected:
  PrivateAnswersTest() : server_(Private(), {}, kLastJob) {
    marvella_ = AddUser(server_, kStranger);
    ben_ = AddUser(server_, "ben");
    root_ = AddUser(server_, "root", Role::kAdmin);
    runs_ = Create(marvella_, OnTheCpu("marvella-runs"));
    EXPECT_TRUE(testing::Eventually(
        kWait, [&] { return server_.store().FindJob(runs_)->state == JobState::kRunning; }));
    waits_ = Create(ben_, OnTheCpu("own-waits"));
    model_ = AddEnded("ben", "own-model");
    MakePeak();
    MakeEvaluations();
    after_ = AddAfter("ben", "own-after", runs_);
    strangers_.insert(AddAfter(kStranger, "marvella-after", model_));
    strangers_.insert(runs_);
  }

  static v1::Job OnTheCpu(const std::string& name) {
    v1::Job job = MakeTrainJob(name);
    job.mutable_resources()->set_device("cpu");
    return job;
  }

  JobId Create(const std::string& token, v1::Job wanted) {
    v1::CreateJobRequest request;
    *request.mutable_job() = std::move(wanted);
    v1::Job job;
    const grpc::Status status = server_.jobs().CreateJob(As(token).get(), request, &job);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return status.ok() ? std::stoll(job.id()) : 0;
  }

  JobSpec SpecFor(const std::string& owner, const std::string& name) {
    JobSpec spec = server_.store().FindJob(runs_)->spec;
    spec.owner = owner;
    spec.name = name;
    return spec;
  }

  // A job that the manager does not know: it gave way to marvella's and was cancelled then.
  JobId AddEnded(const std::string& owner, const std::string& name) {
    JobStore& store = server_.store();
    const JobId id = store.InsertJobs({SpecFor(owner, name)}, "", "", 1).value().front();
    const Sentence why = "makes room for " + Sentence::Naming(runs_) + ", of higher priority";
    const Transition cancelled{JobState::kCancelled, Cause::kPreempted, "scheduler", why};
    EXPECT_OK(store.StartAttempt(id, {"cpu"}, 2));
    EXPECT_OK(store.FinishAttempt(id, 1, cancelled, 3));
    EXPECT_OK(
        store.MoveJob(id, JobState::kStarting, {JobState::kCancelling, Cause::kNone, "", ""}, 3));
    EXPECT_OK(store.MoveJob(id, JobState::kCancelling, cancelled, 3));
    return id;
  }

  JobId AddAfter(const std::string& owner, const std::string& name, JobId other) {
    JobSpec spec = SpecFor(owner, name);
    spec.after = {{other, AfterCondition::kOk}};
    return server_.manager().CreateJobs({spec}, "", "").value().front().id;
  }

  void StoreEvent(JobId job, RunEvent event) {
    event.sequence = 1;
    EXPECT_OK(server_.store().StoreRunEvents(job, 1, 0, {{std::move(event)}, 10}));
  }

  // The newest job that tells what jobs like these take of a GPU is marvella's.
  void MakePeak() {
    const JobId peak = AddEnded(kStranger, "marvella-peak");
    EpochEnd epoch;
    epoch.epoch = 1;
    epoch.metrics["device/peak_memory_bytes"] = 1e9;
    RunEvent event;
    event.event = epoch;
    StoreEvent(peak, event);
    strangers_.insert(peak);
  }

  // Each has evaluated the other's model.
  void MakeEvaluations() {
    const JobId of_marvella = AddEnded(kStranger, "marvella-evaluates");
    own_evaluation_ = AddEnded("ben", "own-evaluates");
    EvaluationRecord evaluation;
    RunEvent event;
    evaluation.eval_job = of_marvella;
    evaluation.model_job = model_;
    event.event = evaluation;
    StoreEvent(of_marvella, event);
    evaluation.eval_job = own_evaluation_;
    evaluation.model_job = *strangers_.begin();
    event.event = evaluation;
    StoreEvent(own_evaluation_, event);
    strangers_.insert(of_marvella);
  }

  // What ben's client may send to a method, about own jobs.
  std::vector<std::string> RequestsFor(const std::string& method) {
    if (method == "CreateJob") {
      v1::CreateJobRequest request;
      *request.mutable_job() = MakeTrainJob("own-new");
      return {request.SerializeAsString()};
    }
    if (method == "BatchCreateJobs") {
      v1::BatchCreateJobsRequest request;
      *request.add_jobs() = MakeTrainJob("own-new");
      return {request.SerializeAsString()};
    }
    std::vector<std::string> requests;
    for (const JobId job : {waits_, after_, model_, own_evaluation_}) {
      v1::GetJobRequest request;  // field 1 of every method that takes a job
      request.set_job(std::to_string(job));
      requests.push_back(request.SerializeAsString());
    }
    const auto rule = RuleOf(method);
    if (rule == Rule::kSeeJob || rule == Rule::kChangeJob) return requests;
    if (method == "ListEvaluations") return requests;
    if (method == "GetDataset" || method == "DeleteDataset")
      return {
          "\x0a\x05"
          "birds"};
    return {""};
  }

  // All that the answers to a caller tell.
  std::string AnswersTo(const std::string& method, const std::string& token) {
    std::string all;
    for (const char* name : {"JobService", "DatasetService", "ServerService", "UserService"}) {
      const std::string service = "distill.v1." + std::string(name);
      const auto methods = MethodsOf(service);
      if (std::find(methods.begin(), methods.end(), method) == methods.end()) continue;
      for (const std::string& request : RequestsFor(method)) {
        std::string answer;
        const grpc::Status status =
            CallRaw(server_.channel(), As(token), "/" + service + "/" + method,
                    {grpc::Slice(request)}, answer);
        all += answer + status.error_message() + status.error_details() + "\n";
      }
    }
    return all;
  }

  // What of marvella's jobs stands in `answers`.
  std::vector<std::string> TracesIn(const std::string& answers) const {
    std::vector<std::string> traces;
    std::set<std::string> marks = {kStranger};
    for (const JobId job : strangers_) marks.insert(std::to_string(job));
    for (const std::string& mark : marks) {
      if (answers.find(mark) != std::string::npos) traces.push_back(mark);
    }
    return traces;
  }

  TestServer server_;
  std::string marvella_;
  std::string ben_;
  std::string root_;
  JobId runs_ = 0;            // marvella's: has the device
  JobId waits_ = 0;           // ben's: waits for the device
  JobId after_ = 0;           // ben's: waits for marvella's job
  JobId model_ = 0;           // ben's: gave way to marvella's, who evaluated its model
  JobId own_evaluation_ = 0;  // ben's, of marvella's model
  std::set<JobId> strangers_;
};

std::vector<std::string> AllMethods() {
  std::vector<std::string> methods;
  for (const MethodRule& rule : MethodRules()) methods.emplace_back(rule.method);
  return methods;
}

// Methods whose answers to an admin, who may, name jobs of marvella's: else the above proves
// nothing.
const std::vector<std::string> kNaming = {
    "CreateJob",   "BatchCreateJobs", "GetJob",       "ExplainJob", "ListJobs",
    "ListQueue",   "CancelJob",       "RequeueJob",   "DeleteJob",  "WatchJob",
    "ListDevices", "ListEvaluations", "ListJobEvents"};

TEST_P(PrivateAnswersTest, NameNothingOfAnothersJobs) {
  const std::string answers = AnswersTo(GetParam(), ben_);

  EXPECT_THAT(answers, Not(IsEmpty()));
  EXPECT_THAT(TracesIn(answers), IsEmpty()) << answers;
}

class AnswersToAnAdminTest : public PrivateAnswersTest {};

TEST_P(AnswersToAnAdminTest, NameThem) {
  EXPECT_THAT(TracesIn(AnswersTo(GetParam(), root_)), Not(IsEmpty()));
}

INSTANTIATE_TEST_SUITE_P(Of, AnswersToAnAdminTest, ::testing::ValuesIn(kNaming),
                         [](const auto& method) { return method.param; });
INSTANTIATE_TEST_SUITE_P(Of, PrivateAnswersTest, ::testing::ValuesIn(AllMethods()),
                         [](const auto& method) { return method.param; });

TEST_F(PrivateAnswersTest, SayWhatIsThereWithoutSayingWhose) {
  v1::ExplainJobRequest request;
  v1::ExplainJobResponse why;
  request.set_job(std::to_string(waits_));
  ASSERT_TRUE(server_.jobs().ExplainJob(As(ben_).get(), request, &why).ok());
  EXPECT_EQ(why.waiting().reason(), "waits for device cpu, which a job of another member uses");
  request.set_job(std::to_string(after_));
  ASSERT_TRUE(server_.jobs().ExplainJob(As(ben_).get(), request, &why).ok());
  EXPECT_EQ(why.waiting().reason(), "waits for a job of another member, which is RUNNING");

  v1::CreateJobRequest create;
  *create.mutable_job() = MakeTrainJob("own-new");
  v1::Job job;
  ASSERT_TRUE(server_.jobs().CreateJob(As(ben_).get(), create, &job).ok());
  EXPECT_EQ(job.last_memory_peak().bytes(), 1'000'000'000);
}

TEST_F(PrivateAnswersTest, DoNotSayWhoseJobKeepsADataset) {
  DatasetRecord dataset;
  dataset.name = "bens";
  dataset.owner = "ben";
  ASSERT_OK(server_.store().InsertDataset(dataset));
  JobSpec spec = SpecFor(kStranger, "marvella-uses");
  spec.dataset = "bens";
  const JobId user = server_.manager().CreateJobs({spec}, "", "").value().front().id;
  v1::DeleteDatasetRequest request;
  request.set_name("bens");
  v1::DeleteDatasetResponse response;

  const grpc::Status of_ben = server_.datasets().DeleteDataset(As(ben_).get(), request, &response);
  const grpc::Status of_root =
      server_.datasets().DeleteDataset(As(root_).get(), request, &response);

  EXPECT_EQ(of_ben.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(of_ben.error_message(), HasSubstr("a job of another member uses the data set"));
  EXPECT_THAT(of_root.error_message(), HasSubstr("job " + std::to_string(user)));
}

TEST_F(PrivateAnswersTest, KeepOwnJobsNumbers) {
  const JobId last = AddAfter("ben", "own-last", waits_);
  v1::ExplainJobRequest request;
  v1::ExplainJobResponse why;
  request.set_job(std::to_string(last));

  ASSERT_TRUE(server_.jobs().ExplainJob(As(ben_).get(), request, &why).ok());

  EXPECT_THAT(why.waiting().reason(), HasSubstr("job " + std::to_string(waits_)));
  EXPECT_THAT(why.waiting().holders(), ::testing::ElementsAre(std::to_string(waits_)));
}

}  // namespace
}  // namespace distill::server
