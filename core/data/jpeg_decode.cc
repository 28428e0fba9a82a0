#include "core/data/jpeg_decode.h"

#include <csetjmp>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

// In this order: each needs the one before it.
// clang-format off
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

#include "core/data/orientation.h"
#include "core/data/tiff_tag.h"

namespace distill::core {
namespace {

constexpr int kExifMarker = JPEG_APP0 + 1;
constexpr int kMaxScans = 500;  // a small progressive file can ask for hours of work

// libjpeg's error handler: its first member is libjpeg's own, so that a pointer to one is a pointer
// to the other.
struct JpegErrorHandler {
  jpeg_error_mgr base;
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX];
  bool is_damaged;
};

JpegErrorHandler* HandlerOf(j_common_ptr codec) {
  return reinterpret_cast<JpegErrorHandler*>(codec->err);
}

[[noreturn]] void OnError(j_common_ptr codec) {
  JpegErrorHandler* handler = HandlerOf(codec);
  codec->err->format_message(codec, handler->message);
  std::longjmp(handler->jump, 1);
}

// Tells warnings that mean wrong or missing pixels from those about harmless oddities.
bool IsDamage(int message_code) {
  switch (message_code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_MUST_RESYNC:
    case JWRN_NOT_SEQUENTIAL:
    case JWRN_ARITH_BAD_CODE:
      return true;
    default:
      return false;
  }
}

void OnMessage(j_common_ptr codec, int level) {
  JpegErrorHandler* handler = HandlerOf(codec);
  if (level >= 0 || handler->is_damaged || !IsDamage(codec->err->msg_code)) return;
  handler->is_damaged = true;
  codec->err->format_message(codec, handler->message);
}

void IgnoreOutput(j_common_ptr) {}

void OnProgress(j_common_ptr codec) {
  if (!codec->is_decompressor) return;
  if (reinterpret_cast<j_decompress_ptr>(codec)->input_scan_number > kMaxScans) {
    JpegErrorHandler* handler = HandlerOf(codec);
    std::snprintf(handler->message, sizeof(handler->message), "more than %d scans", kMaxScans);
    std::longjmp(handler->jump, 1);
  }
}

// A decompressor with its error handler. Not movable: the parts point at each other.
struct Decompressor {
  Decompressor() {
    info.err = jpeg_std_error(&errors.base);
    errors.base.error_exit = OnError;
    errors.base.emit_message = OnMessage;
    errors.base.output_message = IgnoreOutput;
    progress.progress_monitor = OnProgress;
  }
  ~Decompressor() { jpeg_destroy_decompress(&info); }
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;

  Status Failure() const {
    return {Code::kDataLoss, std::string("damaged or unsupported JPEG: ") + errors.message};
  }

  jpeg_decompress_struct info{};
  JpegErrorHandler errors{};
  jpeg_progress_mgr progress{};
};

// The two functions below are left by longjmp when libjpeg finds an error: nothing in them may have
// a destructor.

bool ReadHeader(Decompressor* codec, const unsigned char* bytes, unsigned long num_bytes) {
  if (setjmp(codec->errors.jump) != 0) return false;
  jpeg_create_decompress(&codec->info);
  codec->info.progress = &codec->progress;
  jpeg_mem_src(&codec->info, bytes, num_bytes);
  jpeg_save_markers(&codec->info, kExifMarker, 0xFFFF);
  jpeg_read_header(&codec->info, TRUE);
  return true;
}

bool ReadPixels(Decompressor* codec, uint8_t* pixels, ptrdiff_t stride) {
  if (setjmp(codec->errors.jump) != 0) return false;
  jpeg_start_decompress(&codec->info);
  while (codec->info.output_scanline < codec->info.output_height) {
    JSAMPROW row = pixels + static_cast<ptrdiff_t>(codec->info.output_scanline) * stride;
    jpeg_read_scanlines(&codec->info, &row, 1);
  }
  jpeg_finish_decompress(&codec->info);
  return true;
}

int OrientationOf(const jpeg_decompress_struct& info) {
  constexpr std::string_view kExif("Exif\0\0", 6);
  for (jpeg_saved_marker_ptr marker = info.marker_list; marker != nullptr; marker = marker->next) {
    const std::string_view data(reinterpret_cast<const char*>(marker->data), marker->data_length);
    if (marker->marker != kExifMarker || data.substr(0, kExif.size()) != kExif) continue;
    const auto orientation = FindTiffTag(data.substr(kExif.size()), kTiffOrientation);
    if (orientation && *orientation <= 8) return static_cast<int>(*orientation);
  }
  return 1;
}

// Returns round(a * b / 255).
uint8_t Scale255(int a, int b) {
  const int product = a * b + 128;
  return static_cast<uint8_t>(((product >> 8) + product) >> 8);
}

RgbImage CmykToRgb(const std::vector<uint8_t>& inverted, int width, int height) {
  RgbImage image(width, height);
  const size_t num_pixels = image.pixels.size() / 3;
  for (size_t i = 0; i < num_pixels; ++i) {
    const int light = inverted[i * 4 + 3];
    for (size_t c = 0; c < 3; ++c) {
      // Pillow's rounding: white less the ink.
      image.pixels[i * 3 + c] =
          static_cast<uint8_t>(light - Scale255(255 - inverted[i * 4 + c], light));
    }
  }
  return image;
}

}  // namespace

Result<RgbImage> DecodeJpeg(std::string_view bytes, uint64_t max_pixels) {
  Decompressor codec;
  if (!ReadHeader(&codec, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size())) {
    return codec.Failure();
  }
  jpeg_decompress_struct& info = codec.info;
  if (uint64_t{info.image_width} * info.image_height > max_pixels) {
    return Status(Code::kDataLoss, "image is too large: " + std::to_string(info.image_width) + "x" +
                                       std::to_string(info.image_height) + " pixels");
  }
  const int orientation = OrientationOf(info);  // now: the end of decoding frees the markers
  const auto width = static_cast<int>(info.image_width);
  const auto height = static_cast<int>(info.image_height);
  const bool is_cmyk = info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK;
  info.out_color_space = is_cmyk ? JCS_CMYK : JCS_RGB;
  RgbImage image;
  std::vector<uint8_t> cmyk;
  if (is_cmyk) {
    cmyk.resize(static_cast<size_t>(width) * static_cast<size_t>(height) * 4);
  } else {
    image = RgbImage(width, height);
  }
  uint8_t* pixels = is_cmyk ? cmyk.data() : image.pixels.data();
  if (!ReadPixels(&codec, pixels, ptrdiff_t{width} * (is_cmyk ? 4 : 3)) ||
      codec.errors.is_damaged) {
    return codec.Failure();
  }
  if (is_cmyk) image = CmykToRgb(cmyk, width, height);
  return ApplyOrientation(std::move(image), orientation);
}

}  // namespace distill::core
