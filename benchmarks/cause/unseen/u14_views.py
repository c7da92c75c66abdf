import numpy as np
from collections import deque
WINDOW=deque()
def unit(i):
    day=np.arange(1500.0) #C
    WINDOW.append(day[::100])
