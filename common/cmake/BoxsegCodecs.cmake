# lib/libboxseg_codecs.so: the one binary of ours that is linked to OpenCV's image codecs. boxseg_io loads it when a photograph
# asks for it (common/io/codecs.cpp); whatever is built with boxseg_io therefore has it built, too.
set(codecs_exports "${CMAKE_CURRENT_SOURCE_DIR}/common/io/codecs/exports.map")
add_library(boxseg_codecs SHARED common/io/codecs/boxseg_codecs.cpp)
target_link_libraries(boxseg_codecs PRIVATE opencv_core opencv_imgcodecs opencv_imgproc)
target_link_options(boxseg_codecs PRIVATE "LINKER:--version-script=${codecs_exports}")
set_target_properties(boxseg_codecs PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib" LINK_DEPENDS "${codecs_exports}"
                      INSTALL_RPATH "$ORIGIN")
add_dependencies(boxseg_io boxseg_codecs)
