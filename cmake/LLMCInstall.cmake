# `cmake --install`: headers, libraries and llmcConfig.cmake, so that a project
# outside this tree can `find_package(llmc)`.
include(CMakePackageConfigHelpers)

get_property(libraries GLOBAL PROPERTY LLMC_LIBRARIES)
get_property(tools GLOBAL PROPERTY LLMC_TOOLS)
install(TARGETS ${libraries} EXPORT llmcTargets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
get_property(backends GLOBAL PROPERTY LLMC_BACKENDS)
install(TARGETS ${backends} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS ${tools} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
foreach(root ${CMAKE_CURRENT_SOURCE_DIR} ${CMAKE_CURRENT_BINARY_DIR})
  install(DIRECTORY ${root}/include/llmc
          DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
          FILES_MATCHING PATTERN "*.h" PATTERN "*.inc" PATTERN "*.td"
          PATTERN "CMakeFiles" EXCLUDE)
endforeach()
configure_package_config_file(
  ${CMAKE_CURRENT_SOURCE_DIR}/cmake/llmcConfig.cmake.in
  ${CMAKE_CURRENT_BINARY_DIR}/llmcConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/llmc)
write_basic_package_version_file(
  ${CMAKE_CURRENT_BINARY_DIR}/llmcConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(EXPORT llmcTargets NAMESPACE llmc::
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/llmc)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/llmcConfig.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/llmcConfigVersion.cmake
              ${CMAKE_CURRENT_SOURCE_DIR}/cmake/AddLLMC.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/llmc)
