// SPDX-License-Identifier: Apache-2.0
// The 16550 of QEMU's machine `virt`, polled. It is the board's only wire.
#pragma once

#include "platform/base/bytes.h"

namespace latchkey::riscv::uart {

void start();
// How many bytes were taken: as many as there is room for now.
std::size_t send(ByteView bytes);
std::size_t receive(MutableBytes out);

}  // namespace latchkey::riscv::uart
