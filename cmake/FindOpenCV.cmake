# Finds OpenCV by its own package configuration, or, where the distribution ships the libraries
# without it (Debian keeps it in the very large libopencv-dev), by its headers and libraries.
# Defines the targets opencv_core, opencv_imgproc, ... of the components asked for.
find_package(OpenCV QUIET CONFIG COMPONENTS ${OpenCV_FIND_COMPONENTS})
if(NOT OpenCV_FOUND)
  find_path(OpenCV_INCLUDE_DIR opencv2/core.hpp PATH_SUFFIXES opencv4)
  set(OpenCV_LIBS)
  set(required OpenCV_INCLUDE_DIR)
  foreach(component IN LISTS OpenCV_FIND_COMPONENTS)
    find_library(OpenCV_${component}_LIBRARY opencv_${component})
    list(APPEND required OpenCV_${component}_LIBRARY)
    if(OpenCV_INCLUDE_DIR AND OpenCV_${component}_LIBRARY AND NOT TARGET opencv_${component})
      add_library(opencv_${component} SHARED IMPORTED)
      set_target_properties(opencv_${component} PROPERTIES
        IMPORTED_LOCATION ${OpenCV_${component}_LIBRARY}
        INTERFACE_INCLUDE_DIRECTORIES ${OpenCV_INCLUDE_DIR})
    endif()
    list(APPEND OpenCV_LIBS opencv_${component})
  endforeach()
  include(FindPackageHandleStandardArgs)
  find_package_handle_standard_args(OpenCV REQUIRED_VARS ${required})
endif()
