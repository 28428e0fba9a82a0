# distill_program(TARGET COMPONENT): an executable of the product, and the package that it is part of.
# All lie in one folder, BUILD/bin, as they do when installed: the daemon looks for its worker beside
# itself. Installed by hand, a program finds its libraries where it was linked with them.
function(distill_program target component)
  set_target_properties(${target} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin
    INSTALL_RPATH_USE_LINK_PATH ON)
  install(TARGETS ${target} COMPONENT ${component})
endfunction()
