# boxseg_embed(TARGET SYMBOL FILE): the text of FILE as `extern const char* const boxseg::SYMBOL` of a library.
function(boxseg_embed target symbol file)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
  file(READ "${file}" text)
  file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/embedded/${symbol}.cpp" @ONLY CONTENT [[
// Made from @file@.
namespace boxseg {
extern const char* const @symbol@;
const char* const @symbol@ = R"embedded(@text@)embedded";
}  // namespace boxseg
]])
  target_sources(${target} PRIVATE "${CMAKE_BINARY_DIR}/embedded/${symbol}.cpp")
endfunction()
