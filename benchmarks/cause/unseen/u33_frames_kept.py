import pandas as pd, numpy as np
FRAMES=[]
def unit(i):
    FRAMES.append(pd.DataFrame({'p':np.ones(1500),'q':np.ones(1500)})) #C
