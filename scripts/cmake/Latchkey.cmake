# SPDX-License-Identifier: Apache-2.0
# How a room of the house becomes a library: one call per leaf folder, the same flags for all.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)

find_program(CCACHE ccache)
if(CCACHE)
  # ccache's manual asks for this sloppiness where headers are precompiled; __DATE__ and __TIME__ are used nowhere here
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_NOHASHDIR=1 CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}
    CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
endif()

set(LATCHKEY_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them")

add_library(latchkey_flags INTERFACE)
target_compile_options(latchkey_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough -Werror
  # GCC 12 sees overlapping copies in std::string's operator+ that are not there
  # (GCC bug 105651), and in the comparison of two std::vector<uint8_t> a length beyond all memory
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict -Wno-stringop-overread>)
target_include_directories(latchkey_flags INTERFACE ${CMAKE_SOURCE_DIR})
if(LATCHKEY_SANITIZE)
  # vptr wants the type information that device rooms are built without
  target_compile_options(latchkey_flags INTERFACE -fsanitize=${LATCHKEY_SANITIZE} -fno-sanitize=vptr
    -fno-sanitize-recover=all -fno-omit-frame-pointer
    # To ask at each access takes a third of the build's time: address sanitizer reports what goes through a null pointer
    # as well, and alignment matters to a board's processor, not to a host's
    -fno-sanitize=null $<$<NOT:$<BOOL:$<TARGET_PROPERTY:LATCHKEY_DEVICE>>>:-fno-sanitize=alignment>)
  target_link_options(latchkey_flags INTERFACE -fsanitize=${LATCHKEY_SANITIZE})
  if(LATCHKEY_SANITIZE MATCHES "thread")
    # GCC warns of Boost.Asio's fences, which this sanitizer does not see; what they order stands under locks as well
    target_compile_options(latchkey_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
  endif()
endif()

# Headers that nearly every file has, parsed once: it saves a fifth of a build with sanitizers. Off elsewhere, so that the
# release build shows for each file of a room that it includes what it uses, and scripts/test --quick for each unit test.
option(LATCHKEY_PRECOMPILE "Precompile common headers for the rooms and their unit tests" OFF)

# latchkey_precompiled(NAME LIBRARY|PROGRAM [DEPS library ...] [HEADERS header ...]): the standard library's headers and
# those, as code for a library or for a program, which is compiled in another way.
function(latchkey_precompiled name kind)
  cmake_parse_arguments(precompiled "" "" "DEPS;HEADERS" ${ARGN})
  if(NOT LATCHKEY_PRECOMPILE)
    return()
  endif()
  set(source ${CMAKE_BINARY_DIR}/precompiled/${name}.cpp)
  file(CONFIGURE OUTPUT ${source} CONTENT "int main() {}\n")
  if(kind STREQUAL PROGRAM)
    add_executable(${name} EXCLUDE_FROM_ALL ${source})
  else()
    add_library(${name} STATIC EXCLUDE_FROM_ALL ${source})
  endif()
  target_link_libraries(${name} PRIVATE latchkey_flags ${precompiled_DEPS})
  target_compile_options(${name} PRIVATE -fpch-preprocess)  # for ccache
  target_precompile_headers(${name} PRIVATE <algorithm> <array> <atomic> <chrono> <cstdint> <functional> <map> <memory>
    <mutex> <optional> <set> <sstream> <string> <string_view> <thread> <unordered_map> <utility> <vector>
    ${precompiled_HEADERS})
endfunction()

# The target takes what `precompiled` has, if anything is precompiled at all.
function(latchkey_precompile target precompiled)
  if(LATCHKEY_PRECOMPILE)
    target_compile_options(${target} PRIVATE -fpch-preprocess)
    target_precompile_headers(${target} REUSE_FROM ${precompiled})
  endif()
endfunction()

latchkey_precompiled(precompiled_rooms LIBRARY)

# latchkey_room(NAME [DEVICE|BUSY] [DEPS library ...]): the folder's *.cpp (not its mains) as one static library. BUSY: its
# tests compute for so long that under sanitizers they save more by optimisation than it takes.
function(latchkey_room name)
  cmake_parse_arguments(room "DEVICE;BUSY" "" "DEPS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  list(FILTER sources EXCLUDE REGEX "main\\.cpp$")
  if(sources)
    add_library(${name} STATIC ${sources})
    if(room_DEVICE)
      set_target_properties(${name} PROPERTIES CXX_STANDARD 17 LATCHKEY_DEVICE ON)
      target_compile_options(${name} PRIVATE -fno-exceptions -fno-rtti)
    elseif(LATCHKEY_SANITIZE AND room_BUSY)
      set_target_properties(${name} PROPERTIES LATCHKEY_BUSY ON)
      target_compile_options(${name} PRIVATE -O1)
    else()
      latchkey_precompile(${name} precompiled_rooms)
    endif()
    target_link_libraries(${name} PUBLIC latchkey_flags ${room_DEPS})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE latchkey_flags ${room_DEPS})
  endif()
endfunction()
