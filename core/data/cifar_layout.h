#pragma once

#include <filesystem>

#include "core/base/rooted_file.h"
#include "core/base/status.h"
#include "core/data/dataset_layout.h"

namespace distill::core {

/// Returns whether `folder` holds a file of CIFAR-10's or CIFAR-100's distribution, of its binary
/// or its Python version. A link counts as the file that it leads to, unless it leads out of
/// `roots`, which reading it then tells. Blocks on disk.
bool LooksLikeCifar(const std::filesystem::path& folder, const Roots& roots = {});

/// Reads the labels of CIFAR-10 (data_batch_1.bin to data_batch_5.bin, test_batch.bin,
/// batches.meta.txt) or of CIFAR-100 (train.bin, test.bin, fine_label_names.txt: the fine labels),
/// whichever `folder` holds. The test file is the test split; val comes out of train as elsewhere.
/// Classes are numbered by their names, in which order both published lists are. Files are read
/// inside `roots` alone (ReadFileInside(), whose errors come too), the list of names up to 1 MiB.
/// Blocks on disk.
///
/// kInvalidArgument: files of both data sets, a file that is missing, cut short or not made of
/// records, a list of names with an empty or repeated one, a label without a name, or the Python
/// version. The message names the file and the cause.
Result<DatasetLayout> FindCifarPictures(const std::filesystem::path& folder,
                                        const Roots& roots = {});

}  // namespace distill::core
