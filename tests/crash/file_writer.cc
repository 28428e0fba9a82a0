// file_writer FILE LETTER: replaces FILE by a mebibyte of LETTER.
#include <iostream>
#include <string>

#include "core/base/durable_file.h"

int main(int argc, char** argv) {
  constexpr size_t kBytes = 1U << 20U;
  if (argc != 3) return 2;
  const distill::Status status = distill::ReplaceFile(argv[1], std::string(kBytes, *argv[2]));
  if (!status.ok()) std::cerr << status.ToString() << '\n';
  return status.ok() ? 0 : 1;
}
