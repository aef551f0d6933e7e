# The DenseCRF as a package of its own: `cmake --install BUILD --component crf --prefix P` installs the static
# libraries, their headers and what find_package(boxseg) needs; a project then links boxseg::crf. The rest of
# boxseg_base (options, hashing) is not part of the package, so Boost is not asked of its users.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

foreach(part base runtime simd crf)
  set_target_properties(boxseg_${part} PROPERTIES EXPORT_NAME ${part} POSITION_INDEPENDENT_CODE ON)
endforeach()
target_compile_features(boxseg_crf INTERFACE cxx_std_20)
target_include_directories(boxseg_base INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
install(TARGETS boxseg_base boxseg_runtime boxseg_simd boxseg_crf EXPORT boxseg ARCHIVE COMPONENT crf)
install(FILES common/crf/dense_crf.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/boxseg/crf COMPONENT crf)
install(FILES common/base/error.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/boxseg/base COMPONENT crf)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/boxseg)
install(EXPORT boxseg NAMESPACE boxseg:: FILE boxsegTargets.cmake DESTINATION ${package_dir} COMPONENT crf)
file(WRITE "${CMAKE_BINARY_DIR}/boxsegConfig.cmake"
  "include(CMakeFindDependencyMacro)\nfind_dependency(Threads)\nfind_dependency(fmt)\ninclude(\"\${CMAKE_CURRENT_LIST_DIR}/boxsegTargets.cmake\")\n")
write_basic_package_version_file("${CMAKE_BINARY_DIR}/boxsegConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_BINARY_DIR}/boxsegConfig.cmake" "${CMAKE_BINARY_DIR}/boxsegConfigVersion.cmake"
  DESTINATION ${package_dir} COMPONENT crf)
if(TARGET crf)
  install(TARGETS crf RUNTIME COMPONENT programs)
  install(TARGETS boxseg_codecs LIBRARY COMPONENT programs)
endif()
