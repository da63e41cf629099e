# Libraries and tools of llmc. MLIR and LLVM come in as the two shared
# libraries only: naming any MLIRxxx target would pull static archives in
# beside them, two copies of every global, and a crash at start-up.

set(LLMC_PCH_HEADERS
    <mlir/Dialect/Arith/IR/Arith.h>
    <mlir/Dialect/Func/IR/FuncOps.h>
    <mlir/Dialect/Linalg/IR/Linalg.h>
    <mlir/Dialect/Math/IR/Math.h>
    <mlir/Dialect/SCF/IR/SCF.h>
    <mlir/Dialect/Tensor/IR/Tensor.h>
    <mlir/IR/BuiltinOps.h>
    <mlir/IR/DialectImplementation.h>
    <mlir/IR/PatternMatch.h>
    <mlir/Pass/Pass.h>
    <mlir/Transforms/DialectConversion.h>
    <mlir/Transforms/GreedyPatternRewriteDriver.h>
    <llmc/IR/Dialect.h>)

function(llmc_use_pch target)
  if(NOT LLMC_ENABLE_PCH)
    return()
  endif()
  if(NOT TARGET LLMCPrecompiled)
    file(WRITE ${CMAKE_BINARY_DIR}/LLMCPrecompiled.cpp "")
    add_library(LLMCPrecompiled STATIC ${CMAKE_BINARY_DIR}/LLMCPrecompiled.cpp)
    target_precompile_headers(LLMCPrecompiled PRIVATE ${LLMC_PCH_HEADERS})
    add_dependencies(LLMCPrecompiled LLMCGenerated)
  endif()
  target_precompile_headers(${target} REUSE_FROM LLMCPrecompiled)
endfunction()

# llmc_add_library(NAME sources... [LINK libs...] [DEPENDS targets...])
# A part of the shared library LLMC. LINK names the parts that it may include
# and the libraries from outside that it needs.
function(llmc_add_library name)
  cmake_parse_arguments(ARG "" "" "LINK;DEPENDS" ${ARGN})
  add_library(${name} OBJECT ${ARG_UNPARSED_ARGUMENTS})
  llmc_use_pch(${name})
  target_link_libraries(${name} PUBLIC ${ARG_LINK} MLIR LLVM)
  add_dependencies(${name} LLMCGenerated ${ARG_DEPENDS})
  set_property(GLOBAL APPEND PROPERTY LLMC_PARTS ${name})
endfunction()

# llmc_add_backend(NAME sources... [LINK libs...])
# A backend, libllmc-backend-NAME.so, in this tree or outside of it.
function(llmc_add_backend name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  set(target llmc-backend-${name})
  add_library(${target} MODULE ${ARG_UNPARSED_ARGUMENTS})
  llmc_use_pch(${target})
  target_link_libraries(${target} PRIVATE ${ARG_LINK} llmc::LLMC)
  if(TARGET LLMCGenerated)
    add_dependencies(${target} LLMCGenerated)
  endif()
endfunction()

# llmc_add_tool(NAME sources... [LINK libs...])
function(llmc_add_tool name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  llmc_use_pch(${name})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} LLMC)
  add_dependencies(${name} LLMCGenerated)
  set_property(GLOBAL APPEND PROPERTY LLMC_TOOLS ${name})
endfunction()

# llmc_tablegen(FILE.td OUTPUT FLAGS ...): declarations made from FILE.td.
function(llmc_tablegen td)
  set(LLVM_TARGET_DEFINITIONS ${td})
  set(pairs ${ARGN})
  while(pairs)
    list(POP_FRONT pairs output flags)
    separate_arguments(flags)
    mlir_tablegen(${output} ${flags})
  endwhile()
  set(TABLEGEN_OUTPUT ${TABLEGEN_OUTPUT} PARENT_SCOPE)
endfunction()

# llmc_generated(NAME): closes a folder's llmc_tablegen calls; every library
# waits for LLMCGenerated, which collects them.
function(llmc_generated name)
  add_public_tablegen_target(${name})
  add_dependencies(LLMCGenerated ${name})
endfunction()

# llmc_doc(FILE.td NAME FLAG): docs/NAME.md of the build, the reference that
# FILE.td is the source of; `cmake --build BUILD --target docs` makes all.
function(llmc_doc td name flag)
  if(NOT TARGET docs)
    add_custom_target(docs)
  endif()
  set(page ${CMAKE_BINARY_DIR}/docs/${name}.md)
  set(includes ${MLIR_INCLUDE_DIRS})
  list(TRANSFORM includes PREPEND -I)
  file(GLOB_RECURSE sources ${PROJECT_SOURCE_DIR}/include/*.td)
  add_custom_command(OUTPUT ${page}
    COMMAND ${MLIR_TABLEGEN_EXE} ${flag} ${ARGN} ${includes}
            -I ${PROJECT_SOURCE_DIR}/include ${CMAKE_CURRENT_SOURCE_DIR}/${td}
            -o ${page}
    DEPENDS ${sources})
  add_custom_target(docs-${name} DEPENDS ${page})
  add_dependencies(docs docs-${name})
endfunction()
