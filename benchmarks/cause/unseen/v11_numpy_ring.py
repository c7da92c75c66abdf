import numpy as np
R=np.zeros((500,200))
def unit(i): R[i%500]=i
