// SPDX-License-Identifier: Apache-2.0
#pragma once

extern "C" [[noreturn]] void esp_restart();
