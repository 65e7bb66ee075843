# Writes OUTPUT only when its content changes, so that an unchanged tree rebuilds nothing.
execute_process(COMMAND git -C "${SOURCE_DIR}" rev-parse --short=10 HEAD
  OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
if(failed)
  set(commit "unknown")
endif()
execute_process(COMMAND git -C "${SOURCE_DIR}" status --porcelain --untracked-files=no
  OUTPUT_VARIABLE changes OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(changes)
  set(dirty true)
else()
  set(dirty false)
endif()
set(content "#pragma once
#define LOCKSTEP_VERSION \"${VERSION}\"
#define LOCKSTEP_COMMIT \"${commit}\"
#define LOCKSTEP_COMMIT_DIRTY ${dirty}
#define LOCKSTEP_COMPILER \"${COMPILER}\"
#define LOCKSTEP_BUILD_TYPE \"${BUILD_TYPE}\"
#define LOCKSTEP_SANITIZE \"${SANITIZE}\"
")
if(EXISTS "${OUTPUT}")
  file(READ "${OUTPUT}" old)
endif()
if(NOT "${old}" STREQUAL "${content}")
  file(WRITE "${OUTPUT}" "${content}")
endif()
