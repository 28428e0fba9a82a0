# distill_find_torch(): the target `torch`, LibTorch's headers and libraries, for the calling folder and
# those below it alone.
#
# Looks where find_package(Torch) would (Torch_DIR, CMAKE_PREFIX_PATH, then the distribution's
# folder), but leaves TorchConfig.cmake unread: with a LibTorch for CUDA that file asks for the whole
# CUDA toolkit, of which nothing here includes or links anything.
#
# Sets TORCH_LIBRARY, the path of libtorch.so, in the cache.
function(distill_find_torch)
  string(REPLACE ":" ";" prefixes "$ENV{CMAKE_PREFIX_PATH}")
  find_path(TORCH_CONFIG_FOLDER TorchConfig.cmake NO_DEFAULT_PATH
    PATHS ${Torch_DIR} $ENV{Torch_DIR} ${CMAKE_PREFIX_PATH} ${prefixes}
      /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/cmake
    PATH_SUFFIXES share/cmake/Torch Torch)
  if(NOT TORCH_CONFIG_FOLDER)
    message(FATAL_ERROR "LibTorch not found: install libtorch-dev, or have CMAKE_PREFIX_PATH lead to "
      "another one, or leave the training core out with -DDISTILL_BUILD_CORE=OFF")
  endif()
  # PREFIX/share/cmake/Torch in a wheel and in the archives for download,
  # PREFIX/lib/ARCHITECTURE/cmake/Torch in a distribution.
  find_library(TORCH_LIBRARY torch REQUIRED NO_DEFAULT_PATH
    PATHS ${TORCH_CONFIG_FOLDER}/../../../lib ${TORCH_CONFIG_FOLDER}/../..)
  find_path(TORCH_INCLUDE_FOLDER ATen/ATen.h REQUIRED NO_DEFAULT_PATH
    PATHS ${TORCH_CONFIG_FOLDER}/../../../include ${TORCH_CONFIG_FOLDER}/../../../../include)
  get_filename_component(library_folder ${TORCH_LIBRARY} DIRECTORY)
  file(STRINGS ${TORCH_CONFIG_FOLDER}/TorchConfig.cmake flags REGEX "_GLIBCXX_USE_CXX11_ABI=[01]")
  string(REGEX MATCH "_GLIBCXX_USE_CXX11_ABI=[01]" string_layout "${flags}")

  add_library(torch INTERFACE IMPORTED)
  target_include_directories(torch INTERFACE
    ${TORCH_INCLUDE_FOLDER} ${TORCH_INCLUDE_FOLDER}/torch/csrc/api/include)
  target_compile_definitions(torch INTERFACE ${string_layout})
  # The C++ library first: wheels for CUDA export pieces of another one, which crash if they are found
  # before it (std::filesystem::remove_all in libtorch.so 2.11).
  # Nothing of libtorch.so itself is called: it is there to bring the library for CUDA along, whose
  # own libraries the program finds when it starts.
  target_link_libraries(torch INTERFACE stdc++
    "-Wl,--push-state,--no-as-needed,${TORCH_LIBRARY},--pop-state"
    ${library_folder}/libtorch_cpu.so ${library_folder}/libc10.so)
  target_link_options(torch INTERFACE LINKER:--allow-shlib-undefined)
endfunction()
