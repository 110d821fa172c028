"""The mathematics of knowledge distillation (Hinton et al. 2015, arXiv:1503.02531).

- `logits`: finds the logits of a network, the input of its softmax
- `loss`: the divergence of a student's logits from its teacher's
- `answers`: cached teacher predictions for the training images
- `student`: trains a network to predict what its teacher predicts
"""
