# Compiler flags and the libraries that the project stands on.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
# Assertions of our own stay on (they are ensure()); no fused multiply-add by the compiler's choice: results are
# compared bit for bit with code that has none.
set(CMAKE_CXX_FLAGS_RELEASE "-O2")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g -D_GLIBCXX_ASSERTIONS")
if(BOXSEG_SANITIZE)
  # Addresses, and what the language leaves undefined. LibTorch's libraries are as they are.
  add_compile_options("$<$<COMPILE_LANGUAGE:C,CXX>:-fsanitize=address,undefined;-fno-sanitize-recover=undefined;-fno-omit-frame-pointer;-g1>")
  add_link_options(-fsanitize=address,undefined)
endif()
add_compile_options("$<$<COMPILE_LANGUAGE:C,CXX>:-Wall;-Wextra;-Wno-unused-parameter;-ffp-contract=off>")
if(BOXSEG_ARCH AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  add_compile_options("$<$<COMPILE_LANGUAGE:C,CXX>:-march=${BOXSEG_ARCH}>")
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  # From 18 on clang gives some templates of LibTorch's headers (TensorBase::const_data_ptr) other symbols than the
  # compiler that built LibTorch.
  if(CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 18)
    add_compile_options("$<$<COMPILE_LANGUAGE:C,CXX>:-fclang-abi-compat=17>")
  endif()
  set(CMAKE_PCH_INSTANTIATE_TEMPLATES ON)
  add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:SHELL:-Xclang -fno-pch-timestamp>")   # for ccache
endif()
find_program(BOXSEG_CCACHE ccache)
if(BOXSEG_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER bash "${CMAKE_CURRENT_SOURCE_DIR}/common/cmake/compile.sh" "${BOXSEG_CCACHE}")
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${CMAKE_CXX_COMPILER_LAUNCHER})
endif()
find_program(BOXSEG_MOLD mold)
if(BOXSEG_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
add_link_options(-Wl,--as-needed)
include_directories("${CMAKE_CURRENT_SOURCE_DIR}")

find_package(Threads REQUIRED)
# Compiled once in the distribution's library, where fmt's headers alone would compile it in each file again, half of the
# build's time. LibTorch's headers bring a newer fmt along, which shadows the distribution's (common/ops/torch_fmt.cpp).
find_package(fmt REQUIRED)
find_package(OpenCV REQUIRED COMPONENTS core imgcodecs imgproc)
find_package(Boost REQUIRED COMPONENTS program_options)
find_package(HDF5 REQUIRED COMPONENTS C)
find_package(PNG REQUIRED)
find_package(ZLIB REQUIRED)
find_package(pugixml REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(simdjson REQUIRED)

find_library(BOXSEG_LIBDEFLATE deflate REQUIRED)
find_library(BOXSEG_TURBOJPEG turbojpeg REQUIRED)
# Of libarchive only the writer of tar files is wanted. The static library gives that alone, where the shared one brings
# libxml2 and ICU along, a third of a bundle; its files name one another, so what is not called has to be dropped
# (--gc-sections), lest it ask for libraries of formats that nobody writes.
find_library(BOXSEG_LIBARCHIVE NAMES libarchive.a archive REQUIRED)

add_library(boxseg_deflate INTERFACE)
target_link_libraries(boxseg_deflate INTERFACE "${BOXSEG_LIBDEFLATE}")
add_library(boxseg_turbojpeg INTERFACE)
target_link_libraries(boxseg_turbojpeg INTERFACE "${BOXSEG_TURBOJPEG}")
add_library(boxseg_archive INTERFACE)
target_link_libraries(boxseg_archive INTERFACE "${BOXSEG_LIBARCHIVE}" ZLIB::ZLIB -Wl,--gc-sections)
add_library(boxseg_opencv INTERFACE)
target_link_libraries(boxseg_opencv INTERFACE opencv_core opencv_imgproc)
add_library(boxseg_hdf5 INTERFACE)
target_link_libraries(boxseg_hdf5 INTERFACE ${HDF5_C_LIBRARIES})
target_include_directories(boxseg_hdf5 SYSTEM INTERFACE ${HDF5_C_INCLUDE_DIRS})

if(BOXSEG_CUDA)
  # Machine code for all cards that CUDA 13 and LibTorch's wheel serve; newer ones than 9.0 get by with the PTX of 9.0.
  set(CMAKE_CUDA_ARCHITECTURES 75-real 80-real 86-real 89-real 90)
  if(BOXSEG_CUDA_ARCHS)
    string(REGEX REPLACE "[ ,]+" ";" CMAKE_CUDA_ARCHITECTURES "${BOXSEG_CUDA_ARCHS}")
  endif()
  foreach(arch IN LISTS CMAKE_CUDA_ARCHITECTURES)
    if(NOT arch MATCHES "^[0-9][0-9][0-9]?(-real|-virtual)?$")
      message(FATAL_ERROR "CUDA_ARCHS: \"${arch}\" is not a compute capability such as 86, 86-real or 86-virtual")
    endif()
  endforeach()
  # CMake 3.25 takes the newest standard of the host compiler for nvcc's; kernels need no more than C++17.
  set(CMAKE_CUDA_STANDARD 17)
  add_compile_options("$<$<COMPILE_LANGUAGE:CUDA>:--fmad=false>")
  set(CMAKE_CUDA_RUNTIME_LIBRARY Shared)
  enable_language(CUDA)
endif()
find_package(TorchWheel 2.11 REQUIRED)
set(BOXSEG_TORCH Torch::cpu)
if(BOXSEG_CUDA)
  # libtorch_cuda is not linked: it takes 0.4 s to load, and is loaded once a GPU is asked for (common/ops/device.cpp). The
  # kernels' CUDA runtime comes with the language, on the link line alone: a folder of CUDA's headers would change the
  # command of every C++ file, and with it what the compiler's cache knows of a build without CUDA.
  if(NOT TorchWheel_HAS_CUDA)
    message(FATAL_ERROR "BOXSEG_CUDA=ON, but the LibTorch in ${TorchWheel_ROOT} has no CUDA libraries")
  endif()
  # LibTorch's own libcudart is found first; one without NVIDIA's packages beside it gets the toolkit's.
  foreach(directory IN LISTS CMAKE_CUDA_HOST_IMPLICIT_LINK_DIRECTORIES)
    if(EXISTS "${directory}/libcudart.so.13")
      list(APPEND TorchWheel_RUNTIME_DIRS "${directory}")
    endif()
  endforeach()
  list(JOIN CMAKE_CUDA_ARCHITECTURES "," architectures)
  set_source_files_properties(common/runtime/cuda_build.cpp PROPERTIES COMPILE_DEFINITIONS BOXSEG_CUDA_ARCHITECTURES="${architectures}")
endif()
