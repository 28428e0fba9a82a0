# distill_embed_sql(TARGET target FUNCTION Name FILES file...)
#
# Builds SQL files into `target` as the function `const std::vector<Migration>& Name()` of namespace
# distill::server (declared in server/store/migrator.h). A file's number and name come from its file
# name, NNNN_name.sql. List the files in order: a list that is out of order fails at build time.
#
# This file is also the script that writes the source: cmake -DOUTPUT= -DFUNCTION= -DFILES= -P.
if(CMAKE_SCRIPT_MODE_FILE)
  string(REPLACE "|" ";" FILES "${FILES}")
  set(entries "")
  set(expected 0)
  foreach(file IN LISTS FILES)
    get_filename_component(stem ${file} NAME_WE)
    if(NOT stem MATCHES "^([0-9][0-9][0-9][0-9])_([a-z0-9_]+)$")
      message(FATAL_ERROR "a migration is called NNNN_name.sql, not ${file}")
    endif()
    math(EXPR expected "${expected} + 1")
    string(REGEX REPLACE "^0+" "" version "${CMAKE_MATCH_1}")
    if(NOT version EQUAL expected)
      message(FATAL_ERROR "migration ${file} should have number ${expected}")
    endif()
    file(READ ${file} sql)
    string(APPEND entries "      {${version}, \"${stem}\", R\"__sql__(${sql})__sql__\"},\n")
  endforeach()
  file(WRITE ${OUTPUT} "// Made by cmake/EmbedSql.cmake from migrations/; do not edit.
#include \"server/store/migrator.h\"

namespace distill::server {

const std::vector<Migration>& ${FUNCTION}() {
  static const std::vector<Migration> migrations = {
${entries}  };
  return migrations;
}

}  // namespace distill::server
")
  return()
endif()

set(DISTILL_EMBED_SQL_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

function(distill_embed_sql)
  cmake_parse_arguments(arg "" "TARGET;FUNCTION" "FILES" ${ARGN})
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${arg_FUNCTION}.cc)
  string(REPLACE ";" "|" files "${arg_FILES}")
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DOUTPUT=${output} -DFUNCTION=${arg_FUNCTION} "-DFILES=${files}"
      -P ${DISTILL_EMBED_SQL_SCRIPT}
    DEPENDS ${arg_FILES} ${DISTILL_EMBED_SQL_SCRIPT}
    VERBATIM)
  target_sources(${arg_TARGET} PRIVATE ${output})
endfunction()
