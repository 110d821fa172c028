"""The mathematics of knowledge distillation (Hinton et al. 2015, arXiv:1503.02531).

- `logits`: finds the logits of a network, the input of its softmax
- `loss`: what a student's logits lack of its teacher's
- `hints`: what layers of a student lack of its teacher's
- `answers`: cached teacher predictions for the training images
- `ensemble`: several teachers as one
- `lesson`: what a network learns from its teachers in a training step
"""
