// This file gives the precompiled header a target of its own.
