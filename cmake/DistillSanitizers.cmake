# Applies DISTILL_SANITIZE to every target of the build.
if(DISTILL_SANITIZE)
  add_compile_options(-fsanitize=${DISTILL_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${DISTILL_SANITIZE})
endif()

# Gives a program the suppressions for leaks in other people's libraries.
function(distill_sanitizer_defaults target)
  if(DISTILL_SANITIZE MATCHES "address")
    target_sources(${target} PRIVATE ${PROJECT_SOURCE_DIR}/cmake/sanitizer_defaults.cc)
  endif()
endfunction()
