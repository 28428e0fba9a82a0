#include "server/rpc/guarded_method.h"

#include <gmock/gmock.h>
#include <grpc/byte_buffer.h>
#include <grpc/slice.h>

#include <memory>
#include <string>

#include "tests/matchers/status_matchers.h"

namespace distill::server {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;

using Request = std::unique_ptr<grpc_byte_buffer, decltype(&grpc_byte_buffer_destroy)>;

Request Of(size_t size, grpc_compression_algorithm compression = GRPC_COMPRESS_NONE) {
  const std::string bytes(size, 'x');
  grpc_slice slice = grpc_slice_from_copied_buffer(bytes.data(), bytes.size());
  Request request(grpc_raw_compressed_byte_buffer_create(&slice, 1, compression),
                  &grpc_byte_buffer_destroy);
  grpc_slice_unref(slice);
  return request;
}

TEST(GuardedMethodTest, TakesARequestOfTheLargestSize) {
  EXPECT_THAT(CheckRequest(Of(0).get(), 1000), IsOk());
  EXPECT_THAT(CheckRequest(Of(1000).get(), 1000), IsOk());
}

TEST(GuardedMethodTest, RefusesARequestOfOneByteMoreWithSizeLimitAndRemedy) {
  EXPECT_THAT(CheckRequest(Of(1001).get(), 1000),
              StatusIs(Code::kResourceExhausted,
                       AllOf(HasSubstr("1001 bytes"), HasSubstr("max_message_bytes: 1000"),
                             HasSubstr("submit fewer jobs at once"))));
}

TEST(GuardedMethodTest, RefusesACompressedRequestWhateverItsSize) {
  EXPECT_THAT(CheckRequest(Of(10, GRPC_COMPRESS_GZIP).get(), 1000),
              StatusIs(Code::kUnimplemented, HasSubstr("send it uncompressed")));
}

TEST(GuardedMethodTest, RefusesARequestThatDidNotCome) {
  EXPECT_THAT(CheckRequest(nullptr, 1000), StatusIs(Code::kCancelled, HasSubstr("whole")));
}

}  // namespace
}  // namespace distill::server
