# Compiler flags that every translation unit shares: a precompiled header is
# only usable under exactly the flags it was made with.
add_compile_options(-fPIC -Wall -Wextra -Wno-unused-parameter)
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  add_compile_options("SHELL:-Xclang -fno-pch-timestamp"
                      -Wno-unknown-warning-option)
  find_program(LLMC_LLD NAMES ld.lld-22 ld.lld)
  if(LLMC_LLD)
    add_link_options(--ld-path=${LLMC_LLD})
  endif()
endif()
if(LLMC_SANITIZE)
  # MLIR is built without RTTI, which the check of vptrs needs.
  add_compile_options(-fsanitize=${LLMC_SANITIZE} -fno-omit-frame-pointer -g1
                      -fno-sanitize=vptr -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=${LLMC_SANITIZE} -fno-sanitize=vptr)
endif()
if(LLMC_ENABLE_CCACHE)
  find_program(LLMC_CCACHE ccache)
  if(LLMC_CCACHE)
    set(launcher
        ${CMAKE_COMMAND} -E env
        CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
        CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
        ${LLMC_CCACHE})
    set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
    set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
  endif()
endif()
