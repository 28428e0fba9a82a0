#include "client/command_line/command_line.h"

#include <gmock/gmock.h>

#include <fstream>

#include "tests/temp_dir.h"
#include "tests/unit/client/command_line/command_line_fixture.h"

namespace distill::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST_F(CommandLineTest, UnknownFlagsAndWrongValuesAreUsageErrors) {
  EXPECT_EQ(Run({"train", "--model", "m", "--learning-rat", "1"}), 2);
  EXPECT_THAT(err_, HasSubstr("--learning-rat"));
  EXPECT_EQ(Run({"train", "--model", "m", "--optimizer", "adam"}), 2);
  EXPECT_THAT(err_, AllOf(HasSubstr("--optimizer"), HasSubstr("adamw, sgd, rmsprop")));
  EXPECT_EQ(Run({"train", "--model", "m", "--lr", "fast"}), 2);
  EXPECT_EQ(Run({"--server", "127.0.0.1:1", "frobnicate"}), 2);
  EXPECT_THAT(err_, HasSubstr("no such verb: frobnicate"));
  EXPECT_EQ(Run({}), 2);
  EXPECT_EQ(Run({"ls", "-o", "xml"}), 2);
  EXPECT_THAT(server_.jobs.created, IsEmpty());
  EXPECT_THAT(out_, IsEmpty());
}

TEST_F(CommandLineTest, AMistypedFlagOrVerbIsToldTheNearest) {
  EXPECT_EQ(Run({"train", "--model", "m", "--epcohs", "3"}), 2);
  EXPECT_THAT(err_, HasSubstr("did you mean --epochs?\n"));
  EXPECT_EQ(Run({"ls", "--ouptut=json"}), 2);
  EXPECT_THAT(err_, HasSubstr("did you mean --output?\n"));
  EXPECT_EQ(Run({"trian"}), 2);
  EXPECT_THAT(err_, HasSubstr("no such verb: trian; did you mean train? distillctl --help"));
  EXPECT_EQ(Run({"dataset", "shwo", "birds"}), 2);
  EXPECT_THAT(err_, HasSubstr("no such verb: shwo; did you mean show? distillctl dataset --help"));
  EXPECT_EQ(Run({"train", "--zzzzzz", "3"}), 2);
  EXPECT_THAT(err_, Not(HasSubstr("did you mean")));
}

TEST_F(CommandLineTest, ANegativeLimitIsToldItsBounds) {
  EXPECT_EQ(Run({"ls", "-n", "-1"}), 2);
  EXPECT_THAT(err_, HasSubstr("not in range 0 to 1000000"));
  EXPECT_LT(err_.size(), 200U);
}

TEST_F(CommandLineTest, APortThatIsNoneAndAFileWithoutACertificateAreUsageErrors) {
  EXPECT_EQ(Run({"ls", "--server", "127.0.0.1:116107"}), 2);
  EXPECT_THAT(err_, HasSubstr("1 to 65535, not: 127.0.0.1:116107"));
  EXPECT_EQ(Run({"ls", "--server", "127.0.0.1:0"}), 2);
  EXPECT_EQ(Run({"ls", "--server", "[::1]:x"}), 2);
  const distill::testing::TempDir folder;
  const std::string file = (folder.path() / "ca.pem").string();
  std::ofstream(file) << "no certificate";
  EXPECT_EQ(Run({"ls", "--ca", file}), 2);
  EXPECT_THAT(err_, HasSubstr("holds no certificate in PEM: " + file));
  EXPECT_EQ(Run({"ls", "--ca", file + ".not"}), 1);
}

TEST_F(CommandLineTest, AnAnswerThatTheRequestIsWrongIsCode2) {
  server_.jobs.create_failures = {{grpc::StatusCode::INVALID_ARGUMENT, "the job is refused"}};
  EXPECT_EQ(Run({"train", "--model", "m", "--dataset", "d", "--epochs", "-1"}), 2);
}

TEST_F(CommandLineTest, HelpIsNoError) {
  EXPECT_EQ(Run({"train", "--help"}), 0);
  EXPECT_THAT(out_, HasSubstr("--kd-ratio"));
  EXPECT_EQ(Run({"--version"}), 0);
  EXPECT_THAT(out_, HasSubstr("distillctl"));
}

TEST_F(CommandLineTest, AServerThatIsNotThereIsCode3) {
  EXPECT_EQ(Run({"ls", "--server", "127.0.0.1:1"}), 3);
  EXPECT_THAT(err_, HasSubstr("127.0.0.1:1"));
}

TEST_F(CommandLineTest, DatasetAddWaitsForTheScan) {
  server_.datasets.dataset.set_state(v1::DATASET_STATE_READY);
  server_.datasets.dataset.add_class_names("wren");

  ASSERT_EQ(Run({"dataset", "add", "birds", "/data/birds", "--val", "0.2", "--seed", "3"}), 0)
      << err_;

  EXPECT_DOUBLE_EQ(server_.datasets.created[0].dataset().val_fraction(), 0.2);
  EXPECT_FALSE(server_.datasets.created[0].dataset().has_test_fraction());
  EXPECT_EQ(server_.datasets.created[0].dataset().path(), "/data/birds");
  EXPECT_EQ(out_, "birds  ready  1 classes, 0 train, 0 val, 0 test images\n");
}

TEST_F(CommandLineTest, ADatasetThatFailsIsAnError) {
  server_.datasets.dataset.set_state(v1::DATASET_STATE_FAILED);
  server_.datasets.dataset.set_message("no images");

  EXPECT_EQ(Run({"dataset", "add", "birds", "/data/birds"}), 1);
  EXPECT_THAT(err_, HasSubstr("no images"));
}

TEST_F(CommandLineTest, CompletionKnowsTheVerbsAndNotTheAliases) {
  ASSERT_EQ(Run({"completion", "bash"}), 0);
  EXPECT_THAT(out_,
              AllOf(HasSubstr("get-model"), HasSubstr("--kd-ratio"), Not(HasSubstr("--kd_ratio"))));
}

TEST_F(CommandLineTest, DevicesShowWhoHoldsThem) {
  auto& device = *server_.server.devices.add_devices();
  device.set_id("cpu");
  device.set_index(-1);
  device.set_utilization_percent(-1);
  device.set_temperature_celsius(-1);
  device.add_jobs()->set_id("12");

  ASSERT_EQ(Run({"devices"}), 0);
  EXPECT_THAT(out_, AllOf(HasSubstr("cpu"), HasSubstr("12")));
}

TEST_F(CommandLineTest, TopShowsDevicesJobsAndOutsidersOnceWhenPiped) {
  v1::Device& device = *server_.server.devices.add_devices();
  device.set_index(0);
  device.set_name("H100");
  device.set_memory_total_bytes(int64_t{80} << 30);
  device.set_memory_used_bytes(int64_t{20} << 30);
  device.set_utilization_percent(97);
  device.set_temperature_celsius(61);
  v1::DeviceJob& job = *device.add_jobs();
  job.set_id("4");
  job.set_name("teacher");
  job.set_owner("bob");
  job.set_gpu_memory_bytes(int64_t{12} << 30);
  job.set_memory_used_bytes(int64_t{9} << 30);
  job.set_state(v1::JOB_STATE_RUNNING);
  job.mutable_progress()->set_epoch(3);
  job.mutable_progress()->set_num_epochs(10);
  v1::DeviceProcess& outsider = *device.add_outsiders();
  outsider.set_pid(77);
  outsider.set_user("eve");
  outsider.set_program("python3");
  outsider.set_memory_bytes(-1);

  EXPECT_EQ(Run({"top"}), 0);

  EXPECT_THAT(out_, AllOf(HasSubstr("20.0 GiB of 80.0 GiB"), HasSubstr("12.0 GiB"),
                          HasSubstr("97%"), HasSubstr("61 C"), HasSubstr("in use"),
                          HasSubstr("teacher"), HasSubstr("9.0 GiB"), HasSubstr("3/10"),
                          HasSubstr("python3"), HasSubstr("outsider, pid 77")));
}

}  // namespace
}  // namespace distill::client
