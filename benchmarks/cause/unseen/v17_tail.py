import pandas as pd, numpy as np
S={"df":pd.DataFrame({"p":np.arange(500.0)})}
def unit(i):
    if i%10==0: S["df"]=pd.concat([S["df"],pd.DataFrame({"p":[float(i)]})],ignore_index=True).tail(500)
