# Applies DISTILL_SANITIZE to every target of the build.
if(DISTILL_SANITIZE)
  add_compile_options(-fsanitize=${DISTILL_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${DISTILL_SANITIZE})
endif()
