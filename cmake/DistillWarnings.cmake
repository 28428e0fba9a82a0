# distill::warnings: link it PRIVATE to every target of ours.
add_library(distill_warnings INTERFACE)
add_library(distill::warnings ALIAS distill_warnings)
target_compile_options(distill_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Woverloaded-virtual
  -Wold-style-cast $<$<BOOL:${DISTILL_WERROR}>:-Werror>
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>)
