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
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_NOHASHDIR=1 CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} ${CCACHE})
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


# latchkey_room(NAME [DEVICE] [DEPS library ...]): the folder's *.cpp (not its mains) as one static library.
function(latchkey_room name)
  cmake_parse_arguments(room "DEVICE" "" "DEPS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  list(FILTER sources EXCLUDE REGEX "main\\.cpp$")
  if(sources)
    add_library(${name} STATIC ${sources})
    if(room_DEVICE)
      set_target_properties(${name} PROPERTIES CXX_STANDARD 17 LATCHKEY_DEVICE ON)
      target_compile_options(${name} PRIVATE -fno-exceptions -fno-rtti)
    endif()
    target_link_libraries(${name} PUBLIC latchkey_flags ${room_DEPS})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE latchkey_flags ${room_DEPS})
  endif()
endfunction()
