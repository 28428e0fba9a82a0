#include "server/store/sqlite_job_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/server/store/store_fixture.h"

namespace distill::server {
namespace {

using ::distill::testing::HasCode;
using ::distill::testing::StatusIs;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class SqliteJobStoreTest : public StoreFixture {
 protected:
  static std::vector<JobId> Ids(const Result<std::vector<JobRecord>>& jobs) {
    EXPECT_OK(jobs);
    std::vector<JobId> ids;
    if (!jobs.ok()) return ids;
    for (const JobRecord& job : *jobs) ids.push_back(job.id);
    return ids;
  }
};

TEST_F(SqliteJobStoreTest, JobComesBackAsItWentInAfterReopening) {
  JobSpec spec = SpecNamed("teacher");
  spec.labels = {{"paper", "kd"}, {"", "empty key"}};
  spec.priority = -7;
  spec.device = "0";
  spec.max_interruptions = 9;
  spec.kind = JobKind::kEval;
  const JobId earlier = Insert(SpecNamed("earlier"));
  spec.gpu_memory_bytes = int64_t{12} << 30;
  spec.group = "grid";
  spec.max_parallel = 2;
  spec.num_devices = 3;
  spec.time_limit_seconds = 90;
  spec.max_device_errors = 4;
  spec.max_preemptions = 5;
  spec.memory_key = "key";
  spec.depends_on = {earlier};
  spec.after = {{earlier, AfterCondition::kAny}, {earlier, AfterCondition::kFail}};
  const JobId id = Insert(spec);

  Reopen();

  const auto job = store().FindJob(id);
  ASSERT_OK(job);
  EXPECT_EQ(job->spec.name, "teacher");
  EXPECT_EQ(job->spec.given, spec.given);
  EXPECT_EQ(job->spec.resolved, spec.resolved);
  EXPECT_EQ(job->spec.labels, spec.labels);
  EXPECT_EQ(job->spec.priority, -7);
  EXPECT_EQ(job->spec.device, "0");
  EXPECT_EQ(job->spec.max_interruptions, 9);
  EXPECT_EQ(job->spec.kind, JobKind::kEval);
  EXPECT_EQ(job->spec.dataset, "birds");
  EXPECT_EQ(job->spec.gpu_memory_bytes, spec.gpu_memory_bytes);
  EXPECT_EQ(job->spec.group, "grid");
  EXPECT_EQ(job->spec.max_parallel, 2);
  EXPECT_EQ(job->spec.num_devices, 3);
  EXPECT_EQ(job->spec.time_limit_seconds, 90);
  EXPECT_EQ(job->spec.max_device_errors, 4);
  EXPECT_EQ(job->spec.max_preemptions, 5);
  EXPECT_EQ(job->spec.memory_key, "key");
  EXPECT_EQ(job->spec.depends_on, spec.depends_on);
  EXPECT_EQ(job->spec.after, spec.after);
  EXPECT_EQ(job->queued_at_unix_ms, clock().UnixMillis());
  EXPECT_EQ(job->state, JobState::kQueued);
  EXPECT_EQ(job->created_at_unix_ms, clock().UnixMillis());
  EXPECT_EQ(job->progress.num_epochs, 4);
}

TEST_F(SqliteJobStoreTest, EachCauseOfInterruptionHasACountOfItsOwn) {
  const JobId id = Insert(SpecNamed("a"));
  ASSERT_OK(store().AddInterruption(id, Cause::kWorkerLost));
  ASSERT_OK(store().AddInterruption(id, Cause::kDeviceError));
  ASSERT_OK(store().AddInterruption(id, Cause::kDeviceError));
  ASSERT_OK(store().AddInterruption(id, Cause::kPreempted));

  const JobRecord job = store().FindJob(id).value();
  EXPECT_EQ(job.num_interruptions, 1);
  EXPECT_EQ(job.num_device_errors, 2);
  EXPECT_EQ(job.num_preemptions, 1);

  Move(id, JobState::kQueued, JobState::kCancelled);
  Move(id, JobState::kCancelled, JobState::kQueued);
  const JobRecord again = store().FindJob(id).value();
  EXPECT_EQ(again.num_interruptions + again.num_device_errors + again.num_preemptions, 0);
}

TEST_F(SqliteJobStoreTest, InterruptedJobKeepsItsPlaceAndAResumedOneDoesNot) {
  const JobId id = InsertStarted("a");
  const int64_t begin = clock().UnixMillis();
  clock().Advance(std::chrono::seconds(5));
  Move(id, JobState::kStarting, JobState::kInterrupted);
  Move(id, JobState::kInterrupted, JobState::kQueued);
  EXPECT_EQ(store().FindJob(id)->queued_at_unix_ms, begin);

  Move(id, JobState::kQueued, JobState::kPaused);
  Move(id, JobState::kPaused, JobState::kQueued);
  EXPECT_EQ(store().FindJob(id)->queued_at_unix_ms, clock().UnixMillis());
}

TEST_F(SqliteJobStoreTest, UsageOfDevicesOutlivesTheJob) {
  const JobId id = InsertStarted("a");
  const int64_t begin = clock().UnixMillis();
  clock().Advance(std::chrono::seconds(5));
  ASSERT_OK(store().FinishAttempt(id, 1, {JobState::kFailed, Cause::kBadData, "worker", ""},
                                  clock().UnixMillis()));
  Move(id, JobState::kStarting, JobState::kFailed);
  ASSERT_OK(store().DeleteJob(id));

  const auto usages = store().ListUsage(0);

  ASSERT_OK(usages);
  ASSERT_EQ(usages->size(), 1U);
  EXPECT_EQ(usages->front().owner, "ann");
  EXPECT_EQ(usages->front().device, "cpu");
  EXPECT_EQ(usages->front().started_at_unix_ms, begin);
  EXPECT_EQ(usages->front().finished_at_unix_ms, begin + 5000);
  EXPECT_THAT(store().ListUsage(begin + 5001).value(), IsEmpty());
}

TEST_F(SqliteJobStoreTest, EachDeviceOfAJobIsUsed) {
  const JobId id = Insert(SpecNamed("a"));
  const std::vector<std::string> devices = {"GPU-b", "GPU-a"};
  ASSERT_OK(store().StartAttempt(id, devices, clock().UnixMillis()));

  Reopen();
  EXPECT_EQ(store().FindJob(id)->devices, devices);
  EXPECT_EQ(store().ListAttempts(id)->front().devices, devices);
  for (int i = 0; i < 2; ++i) {  // a restarted daemon may end an attempt twice
    ASSERT_OK(store().FinishAttempt(id, 1, {JobState::kFailed, Cause::kBadData, "worker", ""},
                                    clock().UnixMillis()));
  }

  const auto usages = store().ListUsage(0);
  ASSERT_OK(usages);
  ASSERT_EQ(usages->size(), 2U);
  EXPECT_NE(usages->at(0).device, usages->at(1).device);
}

TEST_F(SqliteJobStoreTest, MemoryPeakIsThatOfTheNewestJobAlikeThatToldOne) {
  JobSpec spec = SpecNamed("first");
  spec.memory_key = "key";
  const JobId first = Insert(spec);
  spec.name = "second";
  const JobId second = Insert(spec);
  for (const JobId id : {first, second}) {
    ASSERT_OK(store().StartAttempt(id, {"cpu"}, 1));
    const double peak = id == first ? 100 : 250;
    EpochEnd epoch{1, 10, {{"device/peak_memory_bytes", peak}}, false, 0};
    ASSERT_OK(store().StoreRunEvents(id, 1, 0, {{{1, 1, epoch}}, 100}));
  }
  spec.name = "third";
  Insert(spec);

  const auto peak = store().FindMemoryPeak("key").value();
  ASSERT_TRUE(peak.has_value());
  EXPECT_EQ(peak->job, second);
  EXPECT_EQ(peak->bytes, 250);
  EXPECT_FALSE(store().FindMemoryPeak("other").value().has_value());
  EXPECT_FALSE(store().FindMemoryPeak("").value().has_value());
}

TEST_F(SqliteJobStoreTest, MemoryPeakIsFoundBehindALongQueueOfJobsAlike) {
  JobSpec spec = SpecNamed("ran");
  spec.memory_key = "key";
  const JobId ran = Insert(spec);
  ASSERT_OK(store().StartAttempt(ran, {"cpu"}, 1));
  EpochEnd epoch{1, 10, {{"device/peak_memory_bytes", 250}}, false, 0};
  ASSERT_OK(store().StoreRunEvents(ran, 1, 0, {{{1, 1, epoch}}, 100}));
  for (int index = 0; index < 50; ++index) {
    spec.name = "waits" + std::to_string(index);
    Insert(spec);
  }

  const auto peak = store().FindMemoryPeak("key").value();

  ASSERT_TRUE(peak.has_value());
  EXPECT_EQ(peak->job, ran);
}

TEST_F(SqliteJobStoreTest, ListTakesAGroup) {
  JobSpec spec = SpecNamed("in");
  spec.group = "grid";
  const JobId id = Insert(spec);
  Insert(SpecNamed("out"));
  JobListQuery query;
  query.group = "grid";

  EXPECT_THAT(Ids(store().ListJobs(query)), ElementsAre(id));
}

TEST_F(SqliteJobStoreTest, CountsTellStatesUsersAndTheLongestWait) {
  const int64_t begin = clock().UnixMillis();
  const JobId ended = InsertStarted("ended");
  Move(ended, JobState::kStarting, JobState::kFailed);
  clock().Advance(std::chrono::seconds(10));
  JobSpec others = SpecNamed("others");
  others.owner = "bob";
  Insert(others);
  clock().Advance(std::chrono::seconds(10));
  InsertStarted("running");

  const auto counts = store().CountJobs();

  ASSERT_OK(counts);
  EXPECT_THAT(counts->by_state,
              UnorderedElementsAre(Pair(JobState::kFailed, 1), Pair(JobState::kQueued, 1),
                                   Pair(JobState::kStarting, 1)));
  EXPECT_EQ(counts->num_active_owners, 2);
  EXPECT_EQ(counts->oldest_queued_at_unix_ms, begin + 10'000);
}

TEST_F(SqliteJobStoreTest, AJobThatWasQueuedAgainWaitsSinceThen) {
  const JobId id = InsertStarted("again");
  Move(id, JobState::kStarting, JobState::kFailed);
  clock().Advance(std::chrono::seconds(30));
  Move(id, JobState::kFailed, JobState::kQueued);

  EXPECT_EQ(store().CountJobs()->oldest_queued_at_unix_ms, clock().UnixMillis());
}

TEST_F(SqliteJobStoreTest, EventsOfAllJobsComeInOrderAndInPieces) {
  EXPECT_EQ(store().NewestEventId().value(), 0);
  const JobId first = Insert(SpecNamed("first"));
  const JobId second = InsertStarted("second");

  const auto all = store().ListAllEvents(0, 10);
  ASSERT_OK(all);
  ASSERT_EQ(all->size(), 3U);
  EXPECT_EQ(all->at(0).job, first);
  EXPECT_EQ(all->at(2).job, second);
  EXPECT_EQ(all->at(2).from, JobState::kQueued);
  EXPECT_EQ(all->at(2).transition.to, JobState::kStarting);
  EXPECT_EQ(store().NewestEventId().value(), all->at(2).id);
  const auto rest = store().ListAllEvents(all->at(0).id, 1);
  ASSERT_OK(rest);
  ASSERT_EQ(rest->size(), 1U);
  EXPECT_EQ(rest->front().id, all->at(1).id);
}

TEST_F(SqliteJobStoreTest, TakenNameAddsNoneOfTheJobs) {
  Insert(SpecNamed("one"));

  EXPECT_THAT(store().InsertJobs({SpecNamed("two"), SpecNamed("one")}, "r", "s", 1),
              StatusIs(Code::kAlreadyExists, HasSubstr("one")));

  EXPECT_THAT(store().FindJobByName("two"), HasCode(Code::kNotFound));
  EXPECT_EQ(store().FindRequest("r").value(), std::nullopt);
}

TEST_F(SqliteJobStoreTest, JobsOfOneListMayNeedEarlierOnes) {
  JobSpec student = SpecNamed("student");
  student.depends_on = {-1};
  const auto ids = store().InsertJobs({SpecNamed("teacher"), student}, "", "", 1);
  ASSERT_OK(ids);

  EXPECT_THAT(store().FindJob(ids->at(1))->spec.depends_on, ElementsAre(ids->at(0)));
  EXPECT_THAT(store().ListActiveDependents(ids->at(0)).value(), ElementsAre(ids->at(1)));
}

TEST_F(SqliteJobStoreTest, DependencyMustExist) {
  JobSpec unknown = SpecNamed("a");
  unknown.depends_on = {99};
  JobSpec later = SpecNamed("b");
  later.depends_on = {-2};

  EXPECT_THAT(store().InsertJobs({unknown}, "", "", 1), HasCode(Code::kNotFound));
  EXPECT_THAT(store().InsertJobs({later}, "", "", 1), HasCode(Code::kInvalidArgument));
}

TEST_F(SqliteJobStoreTest, RequestIdIsStoredWithItsJobs) {
  const auto ids = store().InsertJobs({SpecNamed("a"), SpecNamed("b")}, "request", "sum", 1);
  ASSERT_OK(ids);

  const auto known = store().FindRequest("request").value();
  ASSERT_TRUE(known.has_value());
  EXPECT_EQ(known->content_sha256, "sum");
  EXPECT_EQ(known->jobs, *ids);
  EXPECT_THAT(store().InsertJobs({SpecNamed("c")}, "request", "sum", 1),
              HasCode(Code::kAlreadyExists));
}

TEST_F(SqliteJobStoreTest, RequestsThatComeTogetherFailEachForItself) {
  Insert(SpecNamed("taken"));
  const std::vector<JobSpec> first = {SpecNamed("a")};
  const std::vector<JobSpec> wrong = {SpecNamed("b"), SpecNamed("taken")};
  const std::vector<JobSpec> last = {SpecNamed("c"), SpecNamed("d")};
  const std::string none;
  const std::string id = "request";

  const auto answers =
      store().InsertRequests({{first, none, none}, {wrong, id, none}, {last, none, none}}, 1);

  ASSERT_EQ(answers.size(), 3U);
  ASSERT_OK(answers[0]);
  const JobRecord& made = answers[0]->at(0);
  EXPECT_EQ(made.spec.name, "a");
  EXPECT_EQ(made.progress.num_epochs, 4);
  EXPECT_EQ(store().FindJobByName("a").value(), made.id);
  EXPECT_THAT(answers[1], StatusIs(Code::kAlreadyExists, HasSubstr("taken")));
  ASSERT_OK(answers[2]);
  EXPECT_EQ(answers[2]->at(1).spec.name, "d");
  EXPECT_THAT(store().FindJobByName("b"), HasCode(Code::kNotFound));
  EXPECT_EQ(store().FindRequest(id).value(), std::nullopt);
}

TEST_F(SqliteJobStoreTest, IdsAreNeverUsedAgain) {
  const JobId first = Insert(SpecNamed("a"));
  Move(first, JobState::kQueued, JobState::kCancelled);
  ASSERT_OK(store().DeleteJob(first));
  Reopen();

  EXPECT_GT(Insert(SpecNamed("a")), first);
}

TEST_F(SqliteJobStoreTest, UnknownJobIsNotFound) {
  EXPECT_THAT(store().FindJob(1), HasCode(Code::kNotFound));
  EXPECT_THAT(store().FindJobByName("x"), HasCode(Code::kNotFound));
  EXPECT_THAT(store().FindNewestJob("ann"), HasCode(Code::kNotFound));
  EXPECT_THAT(store().StartAttempt(1, {"cpu"}, 1), HasCode(Code::kNotFound));
  EXPECT_THAT(store().DeleteJob(1), HasCode(Code::kNotFound));
  EXPECT_THAT(store().AddInterruption(1, Cause::kWorkerLost), HasCode(Code::kNotFound));
  EXPECT_THAT(store().SetAttemptProcess(1, 1, 1, 1), HasCode(Code::kNotFound));
  EXPECT_THAT(store().FinishAttempt(1, 1, {}, 1), HasCode(Code::kNotFound));
  EXPECT_THAT(store().JournalOffset(1, 1), HasCode(Code::kNotFound));
}

TEST_F(SqliteJobStoreTest, ListsPageByIdNewestFirst) {
  std::vector<JobId> ids;
  for (const char* name : {"a1", "a2", "b1", "a3"}) ids.push_back(Insert(SpecNamed(name)));

  JobListQuery query;
  query.page_size = 2;
  EXPECT_THAT(Ids(store().ListJobs(query)), ElementsAre(ids[3], ids[2]));
  query.before_id = ids[2];
  EXPECT_THAT(Ids(store().ListJobs(query)), ElementsAre(ids[1], ids[0]));
  query.before_id = ids[0];
  EXPECT_THAT(Ids(store().ListJobs(query)), IsEmpty());
}

TEST_F(SqliteJobStoreTest, ListsFilterByStateOwnerAndName) {
  const JobId queued = Insert(SpecNamed("a%1"));
  const JobId started = InsertStarted("a2");
  JobSpec foreign = SpecNamed("c");
  foreign.owner = "bob";
  const JobId bobs = Insert(foreign);

  JobListQuery by_state;
  by_state.states = {JobState::kStarting, JobState::kFailed};
  EXPECT_THAT(Ids(store().ListJobs(by_state)), ElementsAre(started));
  JobListQuery by_owner;
  by_owner.owner = "bob";
  EXPECT_THAT(Ids(store().ListJobs(by_owner)), ElementsAre(bobs));
  JobListQuery by_name;
  by_name.name_prefix = "a%";
  EXPECT_THAT(Ids(store().ListJobs(by_name)), ElementsAre(queued));
  EXPECT_EQ(store().FindNewestJob("ann").value(), started);
}

TEST_F(SqliteJobStoreTest, NoAttemptHasTheNumberOfAFolderThatIsThere) {
  const JobId id = Insert(SpecNamed("a"));
  // As an attempt leaves it that an older backup, just restored, does not know.
  std::filesystem::create_directories(state_directory() / "runs" / std::to_string(id) / "3");

  EXPECT_EQ(store().StartAttempt(id, {"cpu"}, 10)->number, 4);

  EXPECT_EQ(store().FindJob(id)->num_attempts, 4);
}

TEST_F(SqliteJobStoreTest, LifeOfAJobIsRecorded) {
  const JobId id = Insert(SpecNamed("a"));
  const auto attempt = store().StartAttempt(id, {"cpu"}, 10);
  ASSERT_OK(attempt);
  ASSERT_OK(store().SetAttemptProcess(id, 1, 4711, 123456));
  Move(id, JobState::kStarting, JobState::kRunning);
  const Transition failed{JobState::kFailed, Cause::kDiverged, "worker", "loss is not a number"};
  ASSERT_OK(store().FinishAttempt(id, 1, failed, 20));

  const auto job = store().MoveJob(id, JobState::kRunning, failed, 20);

  ASSERT_OK(job);
  EXPECT_EQ(job->state, JobState::kFailed);
  EXPECT_EQ(job->cause, Cause::kDiverged);
  EXPECT_EQ(job->message, "loss is not a number");
  EXPECT_EQ(job->started_at_unix_ms, 10);
  EXPECT_EQ(job->finished_at_unix_ms, 20);
  EXPECT_EQ(job->devices, std::vector<std::string>{"cpu"});
  const auto attempts = store().ListAttempts(id).value();
  ASSERT_EQ(attempts.size(), 1U);
  EXPECT_EQ(attempts[0].pid, 4711);
  EXPECT_EQ(attempts[0].pid_start_ticks, 123456);
  EXPECT_EQ(attempts[0].state, JobState::kFailed);
  EXPECT_EQ(attempts[0].finished_at_unix_ms, 20);
  std::vector<JobState> course;
  const auto events = store().ListEvents(id, 0).value();
  for (const JobEventRecord& event : events) course.push_back(event.transition.to);
  EXPECT_THAT(course, ElementsAre(JobState::kQueued, JobState::kStarting, JobState::kRunning,
                                  JobState::kFailed));
}

TEST_F(SqliteJobStoreTest, EventsAreListedAfterACursor) {
  const JobId id = InsertStarted("a");
  const auto all = store().ListEvents(id, 0).value();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].from, std::nullopt);
  EXPECT_EQ(all[1].from, JobState::kQueued);

  EXPECT_EQ(store().ListEvents(id, all[0].id).value().size(), 1U);
  EXPECT_THAT(store().ListEvents(id, all[1].id).value(), IsEmpty());
}

TEST_F(SqliteJobStoreTest, MoveFromAnotherStateChangesNothing) {
  const JobId id = InsertStarted("a");

  EXPECT_THAT(store().MoveJob(id, JobState::kQueued, {JobState::kCancelled, {}, "x", "y"}, 5),
              StatusIs(Code::kFailedPrecondition, HasSubstr("is STARTING")));
  EXPECT_THAT(store().MoveJob(id, JobState::kStarting, {JobState::kPaused, {}, "x", "y"}, 5),
              HasCode(Code::kFailedPrecondition));

  EXPECT_EQ(store().FindJob(id)->state, JobState::kStarting);
  EXPECT_EQ(store().ListEvents(id, 0)->size(), 2U);
}

TEST_F(SqliteJobStoreTest, RequeueGivesTheWholeRetryBudgetBack) {
  const JobId id = InsertStarted("a");
  ASSERT_OK(store().AddInterruption(id, Cause::kWorkerLost));
  Move(id, JobState::kStarting, JobState::kInterrupted);
  EXPECT_EQ(store().FindJob(id)->num_interruptions, 1);
  Move(id, JobState::kInterrupted, JobState::kQueued);
  EXPECT_EQ(store().FindJob(id)->num_interruptions, 1);
  Move(id, JobState::kQueued, JobState::kCancelled);

  Move(id, JobState::kCancelled, JobState::kQueued);

  EXPECT_EQ(store().FindJob(id)->num_interruptions, 0);
  EXPECT_EQ(store().FindJob(id)->finished_at_unix_ms, 0);
}

TEST_F(SqliteJobStoreTest, WaitingMessagesReachQueuedJobsOnly) {
  const JobId queued = Insert(SpecNamed("a"));
  const JobId started = InsertStarted("b");

  ASSERT_OK(store().SetWaitingMessages({{queued, "waits"}, {started, "waits"}}));

  EXPECT_EQ(store().FindJob(queued)->message, "waits");
  EXPECT_EQ(store().FindJob(started)->message, "");
}

TEST_F(SqliteJobStoreTest, OnlyEndedJobsAreDeletedAndWithAllTheirRows) {
  const JobId id = InsertStarted("a");
  RunEventBatch batch;
  batch.events = {{1, 1, EpochEnd{1, 10, {{"val/accuracy", 0.5}}, true, 3}}};
  batch.next_offset = 50;
  ASSERT_OK(store().StoreRunEvents(id, 1, 0, batch));
  EXPECT_THAT(store().DeleteJob(id), HasCode(Code::kFailedPrecondition));
  Move(id, JobState::kStarting, JobState::kFailed);

  ASSERT_OK(store().DeleteJob(id));

  EXPECT_THAT(store().FindJob(id), HasCode(Code::kNotFound));
  EXPECT_THAT(store().ListAttempts(id).value(), IsEmpty());
  EXPECT_THAT(store().ListEvents(id, 0).value(), IsEmpty());
  EXPECT_THAT(store().ListMetrics(id, {}, 0)->points, IsEmpty());
}

TEST_F(SqliteJobStoreTest, ActiveJobsAreThoseThatHaveNotEnded) {
  const JobId queued = Insert(SpecNamed("a"));
  const JobId ended = InsertStarted("b");
  Move(ended, JobState::kStarting, JobState::kFailed);

  EXPECT_THAT(Ids(store().ListActiveJobs()), ElementsAre(queued));
}

TEST_F(SqliteJobStoreTest, DatasetComesBackAsItWasUpdated) {
  DatasetRecord dataset;
  dataset.name = "birds";
  dataset.owner = "ann";
  dataset.path = "/data/birds";
  dataset.val_fraction = 0.1;
  dataset.seed = 3;
  dataset.created_at_unix_ms = 9;
  const auto id = store().InsertDataset(dataset);
  ASSERT_OK(id);
  EXPECT_THAT(store().InsertDataset(dataset), HasCode(Code::kAlreadyExists));
  dataset.id = *id;
  dataset.state = DatasetState::kReady;
  dataset.files_scanned = 5;
  dataset.report = std::string("\x00\x01", 2);

  ASSERT_OK(store().UpdateDataset(dataset));
  Reopen();

  const auto found = store().FindDataset("birds");
  ASSERT_OK(found);
  EXPECT_EQ(found->state, DatasetState::kReady);
  EXPECT_EQ(found->report, dataset.report);
  EXPECT_EQ(found->val_fraction, 0.1);
  EXPECT_EQ(found->files_scanned, 5);
  EXPECT_EQ(store().ListDatasets()->size(), 1U);
}

TEST_F(SqliteJobStoreTest, DatasetInUseIsNotDeleted) {
  DatasetRecord dataset;
  dataset.name = "birds";
  ASSERT_OK(store().InsertDataset(dataset));
  const JobId id = Insert(SpecNamed("a"));
  EXPECT_EQ(store().DeleteDataset("birds").value(), id);
  Move(id, JobState::kQueued, JobState::kCancelled);

  EXPECT_EQ(store().DeleteDataset("birds").value(), std::nullopt);

  EXPECT_THAT(store().DeleteDataset("birds"), HasCode(Code::kNotFound));
  EXPECT_THAT(store().FindDataset("birds"), HasCode(Code::kNotFound));
  EXPECT_THAT(store().UpdateDataset(dataset), HasCode(Code::kNotFound));
}

}  // namespace
}  // namespace distill::server
