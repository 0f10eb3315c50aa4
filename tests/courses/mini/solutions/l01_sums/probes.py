"""What runs beside a submission."""


def counted(m, numbers):
    counter = m.Counter()
    for number in numbers:
        counter.add(number)
    return counter.total()
