# distill_program(TARGET): an executable of the product. All three lie in one folder, BUILD/bin, as
# they do when installed: the daemon looks for its worker beside itself.
function(distill_program target)
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
  install(TARGETS ${target})
endfunction()
