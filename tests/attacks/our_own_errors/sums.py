# tries: to raise what the grader raises when the course is wrong
# stopped by: another process
# seen: error, "CourseError: broken"
# without: got in

from honest import *


def double(x):
    class CourseError(Exception):
        pass

    raise CourseError("broken")
