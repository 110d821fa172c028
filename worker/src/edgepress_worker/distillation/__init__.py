"""The mathematics of knowledge distillation (Hinton et al. 2015, arXiv:1503.02531).

- `logits`: what a network's softmax makes probabilities of
- `loss`: how far a student's logits are from its teacher's
- `answers`: what the teacher says of the training images, asked once and kept
- `student`: trains a network to say what its teacher says
"""
