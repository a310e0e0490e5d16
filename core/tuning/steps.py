"""One step of learning in TensorFlow, the same for pictures and texts, and what makes it repeatable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.tuning.head import Labels, smoothed
from core.tuning.schedule import learning_rate
from core.tuning.types import Plan
from core.types import Floats
from core.vision.lite import softmax

LONGEST_GRADIENT = 5.0  # all gradients together; a longer one is shortened


def deterministic(seed: int) -> None:
    """Makes TensorFlow give the same numbers for the same seed, data and machine."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


class Learner:
    """A network's variables as they learn, with AdamW; counts its steps.

    `forward(inputs, step)` gives logits: `step` is None for a plain answer and the number of the step,
    a tensor, while learning, so that dropout is another one each time and the same in each run.
    """

    def __init__(
        self,
        forward: Callable[[Any, Any], Any],
        variables: Sequence[Any],
        plan: Plan,
        classes: int,
        steps: int,
        signature: Any,
    ) -> None:
        import keras
        import tensorflow as tf

        self._plan, self._classes, self._steps = plan, classes, steps
        self._variables = list(variables)
        self.step = 0
        optimizer = keras.optimizers.AdamW(
            plan.learning_rate, weight_decay=plan.weight_decay, global_clipnorm=LONGEST_GRADIENT
        )
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        optimizer.build(self._variables)
        self._optimizer = optimizer

        def learn(inputs: Any, targets: Any, number: Any) -> Any:
            with tf.GradientTape() as tape:
                logits = forward(inputs, number)
                loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(targets, logits))
            gradients = tape.gradient(loss, self._variables)
            optimizer.apply_gradients(zip(gradients, self._variables, strict=True))
            return logits

        target = tf.TensorSpec((None, classes), tf.float32)
        number = tf.TensorSpec((), tf.int32)
        self._learn = tf.function(learn, input_signature=[signature, target, number], autograph=False)
        self._answer = tf.function(
            lambda inputs: forward(inputs, None), input_signature=[signature], autograph=False
        )

    def learn(self, inputs: Any, labels: Labels) -> Floats:
        """One step on one batch; the probabilities that the network gave to it, (n, classes)."""
        self._optimizer.learning_rate.assign(learning_rate(self.step, self._steps, self._plan.learning_rate))
        targets = smoothed(labels, self._classes, self._plan.label_smoothing)
        logits = self._learn(inputs, targets, np.int32(self.step))
        self.step += 1
        return softmax(np.asarray(logits))

    def probabilities(self, inputs: Any) -> Floats:
        """The network's plain answer to a batch, (n, classes)."""
        return softmax(np.asarray(self._answer(inputs)))

    def state(self) -> list[NDArray[np.float32]]:
        """The variables' numbers."""
        return [variable.numpy().copy() for variable in self._variables]

    def restore(self, state: Sequence[NDArray[np.float32]]) -> None:
        """Back to numbers that `state` gave."""
        for variable, numbers in zip(self._variables, state, strict=True):
            variable.assign(numbers)


def dropped(x: Any, share: float, seed: int, step: Any) -> Any:
    """Dropout whose randomness is a function of the seed and the step; nothing for a plain answer."""
    import tensorflow as tf

    if step is None or not share:
        return x
    return tf.nn.experimental.stateless_dropout(x, share, seed=tf.stack([tf.constant(seed), step]))
