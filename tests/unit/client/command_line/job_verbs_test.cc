#include <gmock/gmock.h>

#include "tests/unit/client/command_line/command_line_fixture.h"

namespace distill::client {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST_F(CommandLineTest, ListShowsJobsAsTextAndAsJson) {
  server_.jobs.job_list = {AddJob("2", "b", v1::JOB_STATE_RUNNING),
                           AddJob("1", "a", v1::JOB_STATE_FAILED)};

  ASSERT_EQ(Run({"ls", "--state", "running,failed"}), 0);
  EXPECT_THAT(out_, AllOf(HasSubstr("NAME"), HasSubstr("RUNNING"), HasSubstr("FAILED")));
  EXPECT_EQ(server_.jobs.lists.back().states_size(), 2);
  ASSERT_EQ(Run({"ls", "-o", "json"}), 0);
  EXPECT_THAT(out_, HasSubstr("\"state\": \"JOB_STATE_RUNNING\""));
  ASSERT_EQ(Run({"ls", "-q"}), 0);
  EXPECT_EQ(out_, "b\na\n");
}

TEST_F(CommandLineTest, EventsShowChangesOfStateAndTheLevelOfWhatWasTold) {
  v1::JobEvent queued;
  queued.set_job("7");
  queued.set_to_state(v1::JOB_STATE_QUEUED);
  queued.set_actor("user ada");
  queued.set_level(v1::EVENT_LEVEL_INFORMATION);
  v1::JobEvent started = queued;
  started.set_from_state(v1::JOB_STATE_QUEUED);
  started.set_to_state(v1::JOB_STATE_STARTING);
  started.set_actor("scheduler");
  started.clear_level();  // of an older server
  v1::JobEvent warning = started;
  warning.set_from_state(v1::JOB_STATE_RUNNING);
  warning.set_to_state(v1::JOB_STATE_RUNNING);
  warning.set_actor("worker");
  warning.set_message("hardly teaches");
  warning.set_level(v1::EVENT_LEVEL_WARNING);
  server_.jobs.events = {queued, started, warning};

  ASSERT_EQ(Run({"show", "7", "--events"}), 0) << err_;

  EXPECT_THAT(out_, AllOf(ContainsRegex("information +QUEUED +user ada\n"),
                          ContainsRegex(" - +QUEUED > STARTING +scheduler\n"),
                          ContainsRegex(" warning +RUNNING +worker +hardly teaches\n")));
  ASSERT_EQ(Run({"show", "7", "--events", "-o", "json"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("\"level\": \"EVENT_LEVEL_WARNING\""));
  EXPECT_EQ(Run({"show", "7", "--events", "--lineage"}), 2);
}

TEST_F(CommandLineTest, WhatOthersWroteGivesTheTerminalNoOrders) {
  const std::string evil = "x\x1b]0;PWNED\x07\nowner       adm\xC2\x9B";
  const std::string shown = "x\\u001b]0;PWNED\\u0007\\nowner       adm\\u009b";
  v1::Job& job = AddJob("1", "a", v1::JOB_STATE_FAILED);
  job.set_message(evil);
  (*job.mutable_labels())["note"] = evil;
  job.add_attempts()->set_message(evil);
  server_.jobs.jobs["1"] = job;
  server_.jobs.watch_streams = {{job}};
  server_.datasets.dataset.set_name("d");
  server_.datasets.dataset.add_class_names(evil);
  auto& bad = *server_.datasets.dataset.add_bad_files();
  bad.set_path(evil);
  bad.set_reason(evil);
  server_.jobs.log = "line\tone\x1b[2J\ntwo\n";

  ASSERT_EQ(Run({"show", "a"}), 0) << err_;
  EXPECT_THAT(out_, AllOf(HasSubstr("labels      note=" + shown + "\n"),
                          HasSubstr("message     " + shown + "\n")));
  EXPECT_EQ(Run({"wait", "a"}), 100);
  EXPECT_EQ(err_, "a FAILED: " + shown + "\n");
  ASSERT_EQ(Run({"dataset", "show", "d"}), 0) << err_;
  EXPECT_THAT(
      out_, AllOf(HasSubstr("  " + shown + ": " + shown + "\n"), HasSubstr("\n" + shown + "   ")));
  ASSERT_EQ(Run({"show", "a", "-o", "json"}), 0) << err_;
  EXPECT_THAT(out_, AllOf(HasSubstr(shown), Not(HasSubstr("\x1b")), Not(HasSubstr("\xC2\x9B"))));
  ASSERT_EQ(Run({"logs", "a"}), 0) << err_;
  EXPECT_EQ(out_, "line\tone\\u001b[2J\ntwo\n");
}

TEST_F(CommandLineTest, AnUnknownJobIsCode5AndAWrongStateCode6) {
  AddJob("1", "done", v1::JOB_STATE_SUCCEEDED);

  EXPECT_EQ(Run({"show", "nobody"}), 5);
  EXPECT_THAT(err_, HasSubstr("no job: nobody"));
  EXPECT_EQ(Run({"cancel", "done"}), 6);
}

TEST_F(CommandLineTest, WaitReturnsTheJobsOutcome) {
  server_.jobs.watch_streams = {{AddJob("1", "a", v1::JOB_STATE_FAILED)}};
  EXPECT_EQ(Run({"wait", "a"}), 100);
  EXPECT_EQ(err_, "a FAILED\n");
  server_.jobs.watch_streams = {{AddJob("1", "a", v1::JOB_STATE_CANCELLED)}};
  EXPECT_EQ(Run({"wait", "a"}), 103);
  server_.jobs.watch_streams = {{AddJob("1", "a", v1::JOB_STATE_SUCCEEDED)}};
  EXPECT_EQ(Run({"wait", "a"}), 0);
}

TEST_F(CommandLineTest, PauseSaysWhatWasOrderedAndCanWaitForIt) {
  AddJob("1", "a", v1::JOB_STATE_RUNNING);

  EXPECT_EQ(Run({"pause", "a"}), 0);
  EXPECT_EQ(out_, "a  PAUSING\n");
  v1::Job paused = server_.jobs.jobs["a"];
  paused.set_state(v1::JOB_STATE_PAUSED);
  server_.jobs.watch_streams = {{paused}};
  EXPECT_EQ(Run({"pause", "--wait", "a"}), 0);
  EXPECT_EQ(out_, "a  PAUSED\n");
  paused.set_state(v1::JOB_STATE_FAILED);
  server_.jobs.watch_streams = {{paused}};
  EXPECT_EQ(Run({"pause", "--wait", "a"}), 100);
}

TEST_F(CommandLineTest, ResumeTakesPausedJobsOnly) {
  AddJob("1", "paused", v1::JOB_STATE_PAUSED);
  AddJob("2", "runs", v1::JOB_STATE_RUNNING);

  EXPECT_EQ(Run({"resume", "paused"}), 0);
  EXPECT_EQ(out_, "paused  QUEUED\n");
  EXPECT_EQ(Run({"resume", "runs"}), 6);
}

TEST_F(CommandLineTest, WaitGivesUpInTime) {
  AddJob("1", "a", v1::JOB_STATE_RUNNING);
  EXPECT_EQ(Run({"wait", "a", "--timeout", "0.05s"}), 7);
}

TEST_F(CommandLineTest, AnInterruptDetachesAndSaysHowToComeBack) {
  AddJob("1", "a", v1::JOB_STATE_RUNNING);
  interrupt_.Cancel();

  EXPECT_EQ(Run({"watch", "1"}), 130);
  EXPECT_THAT(err_, HasSubstr("distillctl watch a\n"));
  EXPECT_EQ(Run({"wait", "1", "-o", "json"}), 130);
  EXPECT_THAT(out_, HasSubstr("\"name\":\"a\""));
}

TEST_F(CommandLineTest, WatchPrintsALineForEachEpochWhenItIsNoTerminal) {
  v1::Job job = AddJob("1", "a", v1::JOB_STATE_RUNNING);
  job.mutable_progress()->set_num_epochs(2);
  v1::Job second = job;
  second.mutable_progress()->set_epoch(1);
  v1::Job third = second;
  third.set_state(v1::JOB_STATE_SUCCEEDED);
  server_.jobs.watch_streams = {{job, job, second, third}};

  EXPECT_EQ(Run({"watch", "a"}), 0);
  EXPECT_EQ(out_,
            "a  RUNNING  epoch 0/2  [--------------------] 0%\n"
            "a  RUNNING  epoch 1/2  [##########----------] 50%\n"
            "a  SUCCEEDED  epoch 1/2  [##########----------] 50%\n");
}

TEST_F(CommandLineTest, WatchAndWaitPrintDocumentsAsJson) {
  v1::Job job = AddJob("1", "a", v1::JOB_STATE_RUNNING);
  v1::Job done = job;
  done.set_state(v1::JOB_STATE_SUCCEEDED);
  server_.jobs.watch_streams = {{job, done}, {job, done}};
  const std::string runs = R"("state":"JOB_STATE_RUNNING")";
  const std::string ended = R"("state":"JOB_STATE_SUCCEEDED")";

  EXPECT_EQ(Run({"watch", "a", "-o", "json"}), 0);
  EXPECT_THAT(out_,
              ContainsRegex("^\\{[^\n]*" + runs + "[^\n]*\\}\n\\{[^\n]*" + ended + "[^\n]*\\}\n$"));
  EXPECT_EQ(Run({"wait", "a", "-o", "json"}), 0);
  EXPECT_THAT(out_, ContainsRegex("^\\{[^\n]*" + ended + "[^\n]*\\}\n$"));
}

TEST_F(CommandLineTest, WaitSaysOnceWhyAJobWaits) {
  v1::Job job = AddJob("1", "a", v1::JOB_STATE_QUEUED);
  job.set_message("blocked: needs job 4, which FAILED");
  v1::Job done = job;
  done.set_state(v1::JOB_STATE_SUCCEEDED);
  server_.jobs.watch_streams = {{job, job, done}};

  EXPECT_EQ(Run({"wait", "a"}), 0);
  EXPECT_EQ(err_, "a is QUEUED: blocked: needs job 4, which FAILED\n");
}

TEST_F(CommandLineTest, JsonHasEmptyListsZerosAndMapsInOrder) {
  ASSERT_EQ(Run({"ls", "-o", "json"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("\"jobs\": []"));
  v1::Job& job = AddJob("1", "a", v1::JOB_STATE_RUNNING);
  for (const char* name : {"d", "b", "c", "a", "e"}) (*job.mutable_labels())[name] = "x";
  ASSERT_EQ(Run({"show", "a", "-o", "json"}), 0) << err_;
  EXPECT_THAT(out_,
              AllOf(HasSubstr("\"priority\": 0"),
                    ContainsRegex("\"a\": \"x\",[[:space:]]*\"b\": \"x\",[[:space:]]*\"c\": "
                                  "\"x\",[[:space:]]*\"d\": \"x\",[[:space:]]*\"e\": \"x\"")));
}

TEST_F(CommandLineTest, LogsGoToStandardOutput) {
  server_.jobs.log = "epoch 1\n";
  EXPECT_EQ(Run({"logs", "a"}), 0);
  EXPECT_EQ(out_, "epoch 1\n");
  EXPECT_THAT(err_, IsEmpty());
}

TEST_F(CommandLineTest, WhyNamesRulePlaceHolderAndExpectedStart) {
  v1::ExplainJobResponse& answer = server_.jobs.explanation;
  answer.mutable_job()->set_id("9");
  answer.mutable_job()->set_name("student");
  answer.mutable_job()->set_state(v1::JOB_STATE_QUEUED);
  answer.set_queue_length(7);
  v1::Waiting& waiting = *answer.mutable_waiting();
  waiting.set_rule(v1::WAITING_RULE_MAX_PARALLEL);
  waiting.set_reason("waits for its turn");
  waiting.set_place(3);
  waiting.set_expected_start_unix_ms(1'700'000'000'000 + 7'500'000);
  v1::Job& holder = *answer.add_holders();
  holder.set_id("4");
  holder.set_name("teacher");
  holder.set_owner("bob");
  holder.set_state(v1::JOB_STATE_RUNNING);
  holder.mutable_progress()->set_epoch(3);
  holder.mutable_progress()->set_num_epochs(10);
  holder.mutable_progress()->set_eta_unix_ms(1'700'000'000'000 + 7'500'000);

  EXPECT_EQ(Run({"why", "student"}), 0);

  EXPECT_THAT(out_,
              AllOf(HasSubstr("student (id 9) is QUEUED\n"), HasSubstr("rule      max-parallel\n"),
                    HasSubstr("reason    waits for its turn\n"), HasSubstr("place     3 of 7\n"),
                    HasSubstr("expected  in 2h5m (2023-11-15T00:18:20Z)\n"),
                    HasSubstr("4  teacher  bob"), HasSubstr("3/10")));
}

TEST_F(CommandLineTest, WhyOfAPausedJobSaysWhatToDo) {
  v1::Job& job = *server_.jobs.explanation.mutable_job();
  job.set_name("a");
  job.set_state(v1::JOB_STATE_PAUSED);
  job.set_message("paused by user ada");

  EXPECT_EQ(Run({"why", "a"}), 0);

  EXPECT_THAT(out_, AllOf(HasSubstr("is PAUSED"), HasSubstr("paused by user ada"),
                          HasSubstr("distillctl resume a")));
}

TEST_F(CommandLineTest, QueueListsPlacesStartsAndReasons) {
  v1::QueueEntry& entry = *server_.jobs.queue.add_entries();
  entry.mutable_job()->set_id("9");
  entry.mutable_job()->set_name("student");
  entry.mutable_waiting()->set_place(1);
  entry.mutable_waiting()->set_reason("blocked: needs job 4, which FAILED");
  entry.mutable_waiting()->set_blocked(true);
  server_.jobs.queue.set_length(2);

  EXPECT_EQ(Run({"queue", "-n", "1"}), 0);

  EXPECT_THAT(out_, HasSubstr("never   blocked: needs job 4, which FAILED"));
  EXPECT_EQ(err_, "there are 2 in all: -n shows more\n");
  // Nothing was cut off: the other one is another member's.
  EXPECT_EQ(Run({"queue"}), 0);
  EXPECT_EQ(err_, "1 more, of other members, stand among these\n");
}

TEST_F(CommandLineTest, WholeGroupIsCancelledThoseThatWaitFirst) {
  server_.jobs.job_list = {AddJob("2", "b", v1::JOB_STATE_QUEUED),
                           AddJob("1", "a", v1::JOB_STATE_RUNNING)};

  EXPECT_EQ(Run({"cancel", "--group", "sweep"}), 0);

  EXPECT_THAT(server_.jobs.cancelled, ::testing::ElementsAre("b", "a"));
  EXPECT_EQ(server_.jobs.lists[0].group(), "sweep");
  EXPECT_EQ(server_.jobs.lists[0].owner(), "ada");
}

TEST_F(CommandLineTest, EmptyGroupIsNotFoundAndNothingNamedIsAUsageError) {
  EXPECT_EQ(Run({"pause", "--group", "none"}), 5);
  EXPECT_EQ(Run({"pause"}), 2);
}

}  // namespace
}  // namespace distill::client
