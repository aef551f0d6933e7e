// The commands of `prepare`, each with a command line of its own.
#pragma once
#include <string>

#include "common/base/options.h"
#include "common/data/dataset.h"

namespace boxseg {

// argv[0] is the command's name. They return the exit code; errors are thrown.
int prepare_voc(int argc, char** argv);
int prepare_coco(int argc, char** argv);
int prepare_boxes(int argc, char** argv);
int prepare_synthetic(int argc, char** argv);
int prepare_labels(int argc, char** argv);
int prepare_check(int argc, char** argv);
int prepare_show(int argc, char** argv);
int prepare_export(int argc, char** argv);

// What they share. `example`: the command line after "prepare".
ProgramInfo prepare_info(const std::string& command, const std::string& summary, const std::string& example,
                         const std::string& section = "");
// --check FILE: is it a whole index? False where it was not asked.
bool answered_index_check(const Options& options);
// ", 3 of them smaller copies"; "" where there is none.
std::string copies_among(const Dataset& dataset);
// "1 cat (12 boxes), 2 dog (no box) and 3 more": what was made of the class list, the first 20 of it.
std::string classes_with_boxes(const Dataset& dataset);

}  // namespace boxseg
