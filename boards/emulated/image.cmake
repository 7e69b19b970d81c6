# SPDX-License-Identifier: Apache-2.0
# What the images of emulated boards have in common: how everything in them is compiled, mbedTLS, and the rooms of the
# house. A board's CMakeLists.txt sets `processor`, the compiler's flags for it, includes this, and calls
#   latchkey_image(NAME ROOMS room... LIBRARIES library... LINK option...)
# for its own sources and linker script (memory.ld). It links NAME.elf, optimised as a whole, and NAME-apart.elf, in which
# every file's code stays where it was written: from that docs/footprint.md has what each room costs. The sources of mbedTLS
# and lwIP come from `scripts/setup --boards`.
option(LATCHKEY_P384 "P-384 beside P-256, for hubs whose CAs use it" OFF)
option(LATCHKEY_FIRMWARE "Signed firmware: agent/update" OFF)
option(LATCHKEY_RSA "RSA to verify firmware with" ${LATCHKEY_FIRMWARE})
get_filename_component(root ${CMAKE_CURRENT_LIST_DIR}/../.. ABSOLUTE)
set(LATCHKEY_SOURCES ${root}/build/boards/sources CACHE PATH "Where scripts/setup --boards put mbedtls and lwip")
foreach(package mbedtls lwip)
  if(NOT EXISTS ${LATCHKEY_SOURCES}/${package})
    message(FATAL_ERROR "the sources of ${package} are missing: scripts/setup --boards")
  endif()
endforeach()
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()

# One header of the host's packages: it has no code of the host in it.
find_file(expected_header tl/expected.hpp PATHS /usr/include NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH REQUIRED)
configure_file(${expected_header} ${CMAKE_BINARY_DIR}/include/tl/expected.hpp COPYONLY)

# Fat objects can be linked both ways.
add_compile_options(${processor} -Os -g1 -ffunction-sections -fdata-sections -flto -ffat-lto-objects
  $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions> $<$<COMPILE_LANGUAGE:CXX>:-fno-rtti>
  $<$<COMPILE_LANGUAGE:CXX>:-fno-threadsafe-statics> -fno-asynchronous-unwind-tables
  -ffile-prefix-map=${root}=.)
add_compile_definitions(MBEDTLS_CONFIG_FILE="boards/emulated/mbedtls_config.h"
  $<$<BOOL:${LATCHKEY_P384}>:LATCHKEY_P384> $<$<BOOL:${LATCHKEY_FIRMWARE}>:LATCHKEY_FIRMWARE>
  $<$<BOOL:${LATCHKEY_RSA}>:LATCHKEY_RSA>)

# What we wrote: all warnings are errors.
add_library(flags INTERFACE)
target_compile_options(flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Werror)
target_include_directories(flags INTERFACE ${root} ${CMAKE_BINARY_DIR}/include)
# What Debian's source packages hold.
add_library(foreign INTERFACE)
target_include_directories(foreign SYSTEM INTERFACE ${LATCHKEY_SOURCES}/mbedtls/include)

file(GLOB mbedtls_sources ${LATCHKEY_SOURCES}/mbedtls/library/*.c)
add_library(mbedtls STATIC ${mbedtls_sources})
target_include_directories(mbedtls PRIVATE ${root} ${LATCHKEY_SOURCES}/mbedtls/library)
target_link_libraries(mbedtls PRIVATE foreign)

function(latchkey_image name)
  cmake_parse_arguments(image "" "" "ROOMS;LIBRARIES;LINK" ${ARGN})
  set(rooms platform/base platform/crypto platform/mqtt platform/flash platform/tls platform/semihosting
    agent/protocol agent/core agent/story ${image_ROOMS})
  if(LATCHKEY_FIRMWARE)
    list(APPEND rooms agent/update)
  endif()
  # The rooms of the house: the same sources as on any board.
  set(libraries)
  foreach(room ${rooms} boards/emulated)
    string(REPLACE "/" "_" library ${room})
    file(GLOB sources CONFIGURE_DEPENDS ${root}/${room}/*.cpp)
    if(room STREQUAL boards/emulated)
      if(LATCHKEY_FIRMWARE)
        list(FILTER sources EXCLUDE REGEX "no_firmware")
      else()
        list(FILTER sources EXCLUDE REGEX "signed_firmware")
      endif()
    endif()
    add_library(${library} STATIC ${sources})
    target_link_libraries(${library} PRIVATE flags foreign)
    list(APPEND libraries ${library})
  endforeach()

  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  add_library(${name}_start OBJECT ${sources})
  target_link_libraries(${name}_start PRIVATE flags foreign)
  # Assembler calls what is in them, which the optimiser of the whole would not see
  target_compile_options(${name}_start PRIVATE -fno-lto)
  foreach(elf ${name} ${name}-apart)
    add_executable(${elf}.elf $<TARGET_OBJECTS:${name}_start>)
    target_link_libraries(${elf}.elf PRIVATE -Wl,--start-group ${libraries} mbedtls ${image_LIBRARIES} -Wl,--end-group)
    target_link_options(${elf}.elf PRIVATE ${image_LINK} -nostartfiles -T ${CMAKE_CURRENT_SOURCE_DIR}/memory.ld
      -Wl,--gc-sections -Wl,-Map=${CMAKE_BINARY_DIR}/${elf}.map -Wl,--no-warn-rwx-segments)
    set_target_properties(${elf}.elf PROPERTIES LINK_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/memory.ld)
  endforeach()
  # In one partition for each source file: the smallest of those tried
  target_link_options(${name}.elf PRIVATE -flto=auto -flto-partition=1to1 -Os)
  target_link_options(${name}-apart.elf PRIVATE -fno-lto)
endfunction()
