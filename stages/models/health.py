"""Whether a model's endpoints are of any use: when to give up on all of them, and what to say then."""

from schemas.errors import RlraError
from stages.models.base import Request
from stages.models.endpoint import KEY_NAMES
from stages.models.replies import NoLogprobsError, NoSchemasError, TroubleError
from stages.models.routes import Routes

FEWEST_TO_STOP = 16


class Health:
    """What requests met in a row, after their retries."""

    def __init__(self, reference: str, routes: Routes) -> None:
        """Begin with nothing known."""
        self._reference = reference
        self._routes = routes
        self._pending = self._since_idle = 0
        self._useless_in_a_row = self._faults_in_a_row = self._untold = 0
        self._has_answered = self._has_followed = self._has_told = False

    def begin(self) -> None:
        """Note that a request was asked for."""
        self._since_idle = self._since_idle + 1 if self._pending else 1
        self._pending += 1

    def end(self) -> None:
        """Note that a request is done with, however it ended."""
        self._pending -= 1

    def answered(self, request: Request) -> None:
        """Note an answer, and what it shows about the endpoints."""
        self._has_answered = True
        self._useless_in_a_row = self._faults_in_a_row = 0
        self._has_followed = self._has_followed or request.schema is not None
        self._has_told = self._has_told or request.top > 0

    def weigh(self, trouble: TroubleError) -> None:
        """Note a request that failed for good. Raises RlraError when there is no use in asking on."""
        self._useless_in_a_row = self._useless_in_a_row + 1 if trouble.useless else 0
        self._faults_in_a_row = self._faults_in_a_row + 1 if trouble.is_servers else 0
        self._untold += isinstance(trouble, NoLogprobsError)
        said = trouble.error.removeprefix("transport: ")
        if isinstance(trouble, NoSchemasError) and not self._has_followed:
            raise RlraError(
                f"{self._reference}: {self._where} does not follow JSON schemas: {said}",
                hint="a judge does without one with --method text, writers with --no-schemas",
            )
        if not self._has_told and self._is_hopeless(self._untold):
            raise RlraError(
                f"{self._reference}: {self._where} tells no log-probabilities",
                hint="--method logprob needs a server that does; --method text works with every one",
            )
        if not self._has_answered and self._is_hopeless(self._useless_in_a_row):
            raise self._dead(said)
        if self._faults_in_a_row >= max(2 * self._routes.places, FEWEST_TO_STOP):
            raise self._stopped(said) if self._has_answered else self._dead(said)

    def _is_hopeless(self, in_a_row: int) -> bool:
        """Return whether as many requests went wrong as are in flight at a time, or all that there are."""
        is_last = self._pending == 1
        return in_a_row >= self._routes.places or (is_last and 0 < self._since_idle <= in_a_row)

    @property
    def _where(self) -> str:
        urls = [route.shown_url for route in self._routes.routes]
        return urls[0] if len(urls) == 1 else f"every one of {len(urls)} endpoints ({urls[0]} is the first)"

    def _dead(self, said: str) -> RlraError:
        return RlraError(
            f"{self._reference}: {self._where} answers no request: {said}",
            hint=f"check that the server is up, the base URL (it usually ends in /v1), the model's name, "
            f"and the key in {' or '.join(KEY_NAMES)}",
        )

    def _stopped(self, said: str) -> RlraError:
        return RlraError(
            f"{self._reference}: {self._where} stopped answering: the last {self._faults_in_a_row} requests failed, "
            f"this one with: {said}",
            hint="what was written is kept: when the server is back, the same command goes on",
        )
