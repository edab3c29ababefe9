"""The line of least squares through points that come and go."""


class Line:
    """Keeps sums instead of points, so that its slope costs the same however many there are.

    `add` and `drop` take the same points; x grows. The sums count x from the first point on: the squares of large
    numbers would leave nothing of their differences.
    """

    def __init__(self) -> None:
        self.count = 0
        self._first = self._x = self._y = self._xy = self._xx = 0.0

    def add(self, x: float, y: float) -> None:
        """One more point."""
        if not self.count:
            self.clear()
            self._first = x
        x -= self._first
        self.count += 1
        self._x += x
        self._y += y
        self._xy += x * y
        self._xx += x * x

    def drop(self, x: float, y: float) -> None:
        """One of the points is left out."""
        x -= self._first
        self.count -= 1
        self._x -= x
        self._y -= y
        self._xy -= x * y
        self._xx -= x * x

    @property
    def slope(self) -> float:
        """y for x; 0 where all points have one x."""
        if not self.count:
            return 0.0
        spread = self._xx - self._x * self._x / self.count
        return (self._xy - self._x * self._y / self.count) / spread if spread > 0 else 0.0

    def clear(self) -> None:
        """No points."""
        self.count = 0
        self._first = self._x = self._y = self._xy = self._xx = 0.0
