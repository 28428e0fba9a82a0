#include "core/worker/wrong_pictures.h"

#include <google/protobuf/util/json_util.h>

#include "core/base/log.h"
#include "core/base/version.h"
#include "core/data/thumbnail.h"
#include "core/device/device.h"

namespace distill::core {
namespace {

constexpr int kThumbnailPixels = 128;

void Fill(const WrongImage& image, const EvalReport& report, const Roots& roots,
          v1::WrongPrediction& out) {
  const WrongPrediction& prediction = image.prediction;
  out.set_path(image.path.string());
  out.set_true_class(report.class_names.at(static_cast<size_t>(prediction.true_class)));
  out.set_predicted_class(report.class_names.at(static_cast<size_t>(prediction.predicted_class)));
  out.set_predicted_score(prediction.predicted_score);
  out.set_true_score(prediction.true_score);
  const auto thumbnail = JpegThumbnail(image.path, kThumbnailPixels, roots);
  if (thumbnail.ok()) {
    out.set_thumbnail(*thumbnail);
  } else {
    LogWarning("no thumbnail", {{"error", thumbnail.status().ToString()}});
  }
}

}  // namespace

Result<std::string> WrongPicturesJson(const v1::EvalPass& pass, const EvalReport& report,
                                      const Roots& roots) {
  v1::WrongPredictions message;
  *message.mutable_pass() = pass;
  for (const auto& [name, value] : report.facts) (*message.mutable_facts())[name] = value;
  (*message.mutable_facts())["worker"] = std::string(kVersion);
  (*message.mutable_facts())["libtorch"] = LibTorchVersion();
  message.set_num_wrong(report.num_wrong);
  for (const WrongImage& image : report.wrong) {
    Fill(image, report, roots, *message.add_predictions());
  }
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  const auto printed = google::protobuf::util::MessageToJsonString(message, &json, options);
  if (!printed.ok()) {
    return Status(Code::kInternal, "wrong predictions as JSON: " + std::string(printed.message()));
  }
  return json;
}

}  // namespace distill::core
