# distill_find_torch(): find_package(Torch), and the library that belongs to it.
#
# TorchConfig.cmake looks for libtorch.so in the system's folders before its own, so that with the
# distribution's package installed too the headers of one version would meet the library of the
# other. What it looks for is therefore named beforehand. A macro: the targets of find_package
# belong to the folder that calls it.
macro(distill_find_torch)
  string(REPLACE ":" ";" torch_prefixes "$ENV{CMAKE_PREFIX_PATH}")
  foreach(torch_prefix "${Torch_DIR}/../../.." "$ENV{Torch_DIR}/../../.." ${CMAKE_PREFIX_PATH} ${torch_prefixes})
    foreach(torch_home ${torch_prefix} ${torch_prefix}/../..)
      if(NOT TORCH_LIBRARY AND EXISTS ${torch_home}/share/cmake/Torch/TorchConfig.cmake)
        get_filename_component(torch_home ${torch_home} REALPATH)
        find_library(TORCH_LIBRARY torch PATHS ${torch_home}/lib NO_DEFAULT_PATH)
      endif()
    endforeach()
  endforeach()
  find_package(Torch REQUIRED)
endmacro()
