#include <filesystem>
#include <system_error>

#include "client/command/commands.h"
#include "client/enum_text.h"
#include "client/output/message_json.h"
#include "client/output/quantity_text.h"
#include "client/request_id.h"

namespace distill::client {
namespace {

using Align = TextTable::Align;

std::string DatasetStateText(const v1::Dataset& dataset) {
  return EnumText(*v1::DatasetState_descriptor(), dataset.state());
}

int64_t ImagesIn(const v1::Dataset& dataset, v1::Split split) {
  for (const v1::SplitCounts& counts : dataset.splits()) {
    if (counts.split() == split) return counts.images();
  }
  return 0;
}

bool IsLocal(const std::string& server) {
  return server.starts_with("127.") || server.starts_with("localhost") ||
         server.starts_with("[::1]") || server.starts_with("unix:");
}

// The path is one on the server. A relative one has a meaning only when that is this machine.
Result<std::string> ServerPath(const CommandContext& context, const std::string& path) {
  if (std::filesystem::path(path).is_absolute()) return path;
  if (!IsLocal(context.server())) {
    return Status(Code::kInvalidArgument,
                  "an absolute path on the server is needed, not '" + path + "'");
  }
  std::error_code error;
  const auto absolute = std::filesystem::absolute(path, error).lexically_normal();
  if (error) return Status(Code::kInvalidArgument, "no such path: " + path);
  return absolute.string();
}

void PrintSplits(const CommandContext& context, const v1::Dataset& dataset) {
  TextTable table(
      {{"CLASS"}, {"TRAIN", Align::kRight}, {"VAL", Align::kRight}, {"TEST", Align::kRight}});
  const auto in_class = [&](v1::Split split, int class_index) -> std::string {
    for (const v1::SplitCounts& counts : dataset.splits()) {
      if (counts.split() == split && class_index < counts.images_per_class_size()) {
        return std::to_string(counts.images_per_class(class_index));
      }
    }
    return "-";
  };
  for (int index = 0; index < dataset.class_names_size(); ++index) {
    table.AddRow({dataset.class_names(index), in_class(v1::SPLIT_TRAIN, index),
                  in_class(v1::SPLIT_VAL, index), in_class(v1::SPLIT_TEST, index)});
  }
  table.AddRow({"(all)", std::to_string(ImagesIn(dataset, v1::SPLIT_TRAIN)),
                std::to_string(ImagesIn(dataset, v1::SPLIT_VAL)),
                std::to_string(ImagesIn(dataset, v1::SPLIT_TEST))});
  table.Print(context.out());
}

std::string ListText(const google::protobuf::RepeatedField<double>& values) {
  std::string text;
  for (const double value : values) text += (text.empty() ? "" : " ") + FixedText(value, 4);
  return text.empty() ? "-" : text;
}

void PrintDataset(const CommandContext& context, const v1::Dataset& dataset) {
  std::ostream& out = context.out();
  out << "name      " << dataset.name() << '\n'
      << "path      " << OneLine(dataset.path()) << '\n'
      << "owner     " << dataset.owner() << '\n'
      << "state     " << DatasetStateText(dataset) << '\n';
  if (!dataset.message().empty()) out << "message   " << OneLine(dataset.message()) << '\n';
  out << "created   " << TimeText(dataset.created_at_unix_ms()) << '\n'
      << "mean      " << ListText(dataset.mean()) << '\n'
      << "std       " << ListText(dataset.std()) << '\n'
      << "manifest  " << dataset.manifest_sha256() << '\n'
      << "bad files " << dataset.num_bad_files() << '\n';
  for (const v1::BadFile& file : dataset.bad_files()) {
    out << "  " << OneLine(file.path() + ": " + file.reason()) << '\n';
  }
  out << '\n';
  PrintSplits(context, dataset);
}

void PrintBadFiles(const CommandContext& context, const v1::Dataset& dataset) {
  for (const v1::BadFile& file : dataset.bad_files()) {
    context.Note(OneLine(file.path() + ": " + file.reason()));
  }
  const int64_t more = dataset.num_bad_files() - dataset.bad_files_size();
  if (more > 0) context.Note("and " + std::to_string(more) + " more");
}

// Waits until a data set has been scanned, and tells how far it is.
Result<v1::Dataset> AwaitScan(const CommandContext& context, v1::Dataset dataset) {
  int64_t last_shown = -1;
  while (dataset.state() == v1::DATASET_STATE_SCANNING) {
    if (dataset.files_total() > 0 && dataset.files_scanned() != last_shown) {
      last_shown = dataset.files_scanned();
      context.Note("scanned " + std::to_string(last_shown) + " of " +
                   std::to_string(dataset.files_total()) + " files");
    }
    const Environment& environment = context.environment();
    if (environment.interrupt.WaitFor(environment.poll_interval)) {
      return Status(Code::kCancelled,
                    "detached; the scan goes on. Look with: distillctl dataset "
                    "show " +
                        dataset.name());
    }
    DISTILL_ASSIGN_OR_RETURN(dataset, context.client().GetDataset(dataset.name()));
  }
  return dataset;
}

}  // namespace

ExitCode DatasetAdd(const CommandContext& context, const DatasetAddOptions& options) {
  const auto path = ServerPath(context, options.path);
  if (!path.ok()) return context.FailWith(ExitCode::kUsage, path.status().message());
  v1::CreateDatasetRequest request;
  v1::Dataset& wanted = *request.mutable_dataset();
  wanted.set_name(options.name);
  wanted.set_path(*path);
  if (options.val_fraction) wanted.set_val_fraction(*options.val_fraction);
  if (options.test_fraction) wanted.set_test_fraction(*options.test_fraction);
  if (options.seed) wanted.set_seed(*options.seed);
  if (!options.bad_files.empty()) {
    const auto policy = ParseEnum(*v1::BadFilePolicy_descriptor(), options.bad_files);
    if (!policy.ok()) {
      return context.FailWith(ExitCode::kUsage, "--bad-files: " + policy.status().message());
    }
    wanted.set_bad_file_policy(static_cast<v1::BadFilePolicy>(*policy));
  }
  request.set_request_id(MakeRequestId());
  auto dataset = context.client().CreateDataset(request);
  if (dataset.ok() && options.wait) dataset = AwaitScan(context, *dataset);
  if (!dataset.ok()) return context.Fail(dataset.status());

  if (context.is_json()) {
    context.out() << ToJson(*dataset);
  } else {
    context.out() << dataset->name() << "  " << DatasetStateText(*dataset) << "  "
                  << dataset->class_names_size() << " classes, "
                  << ImagesIn(*dataset, v1::SPLIT_TRAIN) << " train, "
                  << ImagesIn(*dataset, v1::SPLIT_VAL) << " val, "
                  << ImagesIn(*dataset, v1::SPLIT_TEST) << " test images\n";
  }
  const bool has_failed = dataset->state() == v1::DATASET_STATE_FAILED;
  if (has_failed) {
    PrintBadFiles(context, *dataset);
  } else if (dataset->num_bad_files() > 0) {
    context.Note(std::to_string(dataset->num_bad_files()) +
                 " files were left out: distillctl dataset show " + dataset->name());
  }
  if (!has_failed) return ExitCode::kOk;
  return context.FailWith(ExitCode::kError, dataset->message());
}

ExitCode DatasetList(const CommandContext& context, bool quiet) {
  const auto response = context.client().ListDatasets();
  if (!response.ok()) return context.Fail(response.status());
  if (context.is_json()) {
    context.out() << ToJson(*response);
    return ExitCode::kOk;
  }
  TextTable table({{"NAME"},
                   {"STATE"},
                   {"CLASSES", Align::kRight},
                   {"TRAIN", Align::kRight},
                   {"VAL", Align::kRight},
                   {"TEST", Align::kRight},
                   {"OWNER"},
                   {"PATH"}});
  for (const v1::Dataset& dataset : response->datasets()) {
    if (quiet) context.out() << dataset.name() << '\n';
    table.AddRow(
        {dataset.name(), DatasetStateText(dataset), std::to_string(dataset.class_names_size()),
         std::to_string(ImagesIn(dataset, v1::SPLIT_TRAIN)),
         std::to_string(ImagesIn(dataset, v1::SPLIT_VAL)),
         std::to_string(ImagesIn(dataset, v1::SPLIT_TEST)), dataset.owner(), dataset.path()});
  }
  if (!quiet) table.Print(context.out());
  return ExitCode::kOk;
}

ExitCode DatasetShow(const CommandContext& context, const std::string& name) {
  const auto dataset = context.client().GetDataset(name);
  if (!dataset.ok()) return context.Fail(dataset.status());
  if (context.is_json()) {
    context.out() << ToJson(*dataset);
  } else {
    PrintDataset(context, *dataset);
  }
  return ExitCode::kOk;
}

ExitCode DatasetRemove(const CommandContext& context, const std::string& name) {
  const Status status = context.client().DeleteDataset(name);
  if (!status.ok()) return context.Fail(status);
  if (!context.is_json()) context.out() << "removed " << name << "; its images stay\n";
  return ExitCode::kOk;
}

}  // namespace distill::client
