#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/eventually.h"
#include "tests/integration/test_server.h"

namespace distill::server {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

class ServerSurfaceTest : public ::testing::Test {
 protected:
  // Calls a method whose messages are not compiled in; returns the raw answer.
  grpc::Status CallRaw(const std::string& method, const std::string& request,
                       std::string& response) {
    grpc::GenericStub stub(server_.channel());
    grpc::CompletionQueue queue;
    const auto context = Context();
    const grpc::Slice slice(request);
    const grpc::ByteBuffer sent(&slice, 1);
    const auto call = stub.PrepareUnaryCall(context.get(), method, sent, &queue);
    call->StartCall();
    grpc::ByteBuffer received;
    grpc::Status status;
    call->Finish(&received, &status, nullptr);
    void* tag = nullptr;
    bool is_ok = false;
    queue.Next(&tag, &is_ok);
    std::vector<grpc::Slice> slices;
    if (received.Dump(&slices).ok()) {
      for (const grpc::Slice& part : slices) response.append(part.begin(), part.end());
    }
    return status;
  }

  TestServer server_;
};

TEST_F(ServerSurfaceTest, HealthIsServingForTheWholeAndEachService) {
  // HealthCheckRequest{service = 1}; HealthCheckResponse{status = 1: SERVING = 1}.
  for (const std::string service : {"", "distill.v1.JobService"}) {
    std::string request;
    if (!service.empty()) {
      request = std::string("\x0a") + static_cast<char>(service.size()) + service;
    }
    std::string response;

    ASSERT_TRUE(CallRaw("/grpc.health.v1.Health/Check", request, response).ok());
    EXPECT_EQ(response, std::string("\x08\x01")) << service;
  }
}

TEST_F(ServerSurfaceTest, InfoNamesVersionAndModels) {
  v1::ServerInfo info;

  ASSERT_TRUE(server_.server().GetServerInfo(Context().get(), {}, &info).ok());

  EXPECT_EQ(info.version(), "test");
  EXPECT_GE(info.schema_version(), 1);
  EXPECT_THAT(info.models(), ::testing::Contains("mobilenetv2"));
}

TEST_F(ServerSurfaceTest, DevicesSayWhichJobHoldsThem) {
  v1::CreateJobRequest request;
  *request.mutable_job() = MakeTrainJob("holder");
  v1::Job job;
  ASSERT_TRUE(server_.jobs().CreateJob(Context().get(), request, &job).ok());
  ASSERT_TRUE(server_.WaitForState(job.id(), v1::JOB_STATE_RUNNING));
  v1::ListDevicesResponse devices;

  ASSERT_TRUE(server_.server().ListDevices(Context().get(), {}, &devices).ok());

  ASSERT_THAT(devices.devices(), SizeIs(1));
  EXPECT_EQ(devices.devices(0).id(), "cpu");
  EXPECT_EQ(devices.devices(0).job(), job.id());
}

TEST_F(ServerSurfaceTest, DatasetOutsideTheRootsIsRefusedByItsField) {
  v1::CreateDatasetRequest request;
  request.mutable_dataset()->set_name("secret");
  request.mutable_dataset()->set_path("/etc");
  v1::Dataset dataset;

  const grpc::Status status = server_.datasets().CreateDataset(Context().get(), request, &dataset);

  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(FieldsOf(status), ElementsAre("dataset.path"));
}

TEST_F(ServerSurfaceTest, DatasetIsScannedAndThenReady) {
  server_.preparer().set_script("scan_report 3;outcome 8 0");
  std::filesystem::create_directory(server_.folder() / "fish");
  v1::CreateDatasetRequest request;
  request.mutable_dataset()->set_name("fish");
  request.mutable_dataset()->set_path((server_.folder() / "fish").string());
  v1::Dataset dataset;

  ASSERT_TRUE(server_.datasets().CreateDataset(Context().get(), request, &dataset).ok());

  EXPECT_DOUBLE_EQ(dataset.val_fraction(), 0.1);
  EXPECT_DOUBLE_EQ(dataset.test_fraction(), 0.2);
  v1::GetDatasetRequest get;
  get.set_name("fish");
  EXPECT_TRUE(testing::Eventually(std::chrono::seconds(20), [&] {
    return server_.datasets().GetDataset(Context().get(), get, &dataset).ok() &&
           dataset.state() == v1::DATASET_STATE_READY;
  }));
}

TEST_F(ServerSurfaceTest, DatasetShowsWhatItsScanFound) {
  v1::GetDatasetRequest get;
  get.set_name("birds");
  v1::Dataset dataset;

  ASSERT_TRUE(server_.datasets().GetDataset(Context().get(), get, &dataset).ok());

  EXPECT_THAT(dataset.class_names(), ElementsAre("wren", "tern"));
  ASSERT_THAT(dataset.splits(), SizeIs(3));
  EXPECT_EQ(dataset.splits(0).images(), 7);
}

TEST_F(ServerSurfaceTest, ReflectionListsTheServices) {
  const auto call_name = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
  grpc::GenericStub stub(server_.channel());
  grpc::CompletionQueue queue;
  const auto context = Context();
  const auto stream = stub.PrepareCall(context.get(), call_name, &queue);
  void* tag = nullptr;
  bool is_ok = false;
  stream->StartCall(nullptr);
  queue.Next(&tag, &is_ok);
  // ServerReflectionRequest{list_services = 7: "*"}.
  const grpc::Slice slice(std::string("\x3a\x01*"));
  stream->Write(grpc::ByteBuffer(&slice, 1), nullptr);
  queue.Next(&tag, &is_ok);
  grpc::ByteBuffer received;
  stream->Read(&received, nullptr);
  queue.Next(&tag, &is_ok);
  ASSERT_TRUE(is_ok);
  std::vector<grpc::Slice> slices;
  ASSERT_TRUE(received.Dump(&slices).ok());
  std::string text;
  for (const grpc::Slice& part : slices) text.append(part.begin(), part.end());

  EXPECT_THAT(text, ::testing::HasSubstr("distill.v1.JobService"));
  context->TryCancel();
  grpc::Status status;
  stream->Finish(&status, nullptr);
  queue.Next(&tag, &is_ok);
}

}  // namespace
}  // namespace distill::server
